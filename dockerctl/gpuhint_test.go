package dockerctl

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

const logsCall = "GET /containers/clawgate-ollama/logs"

func TestTheGPUHintIsReadFromThePresentRunsLog(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
	fake.answer(logsCall, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, frame(1, lineRequest)+frame(2, lineListening)+frame(2, lineLooking+lineCUDA)+frame(1, lineRequest))
	})
	hint, err := fake.serve(t).GPUHint(t.Context())
	if err != nil || hint != evidence.GPUFound {
		t.Errorf("got %q, %v", hint, err)
	}
	// Two seconds before startedAt.
	want := []string{"GET /v1.41/containers/clawgate-ollama/json", "GET /v1.41/containers/clawgate-ollama/logs?since=1782899998.123456789&stderr=1&stdout=1&tail="}
	if calls := fake.calls(); !slices.Equal(calls, want) {
		t.Errorf("asked %q", calls)
	}
}

func TestALongLogIsReadNoFurtherThanItsBeginning(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
	cut := make(chan struct{})
	fake.answer(logsCall, func(w http.ResponseWriter, r *http.Request) {
		defer close(cut)
		fmt.Fprint(w, frame(2, lineListening+lineCPU))
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, frame(1, strings.Repeat(lineRequest, 100))); err != nil {
				return
			}
		}
	})
	hint, err := fake.serve(t).GPUHint(t.Context())
	if err != nil || hint != evidence.GPUNotFound {
		t.Errorf("got %q, %v", hint, err)
	}
	<-cut
}

func TestAContainerThatDoesNotRunGivesNoHint(t *testing.T) {
	for _, status := range []evidence.Status{evidence.Exited, evidence.Created, evidence.Restarting, evidence.Paused} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(status))
		if hint, err := fake.serve(t).GPUHint(t.Context()); err != nil || hint != evidence.GPUHintUnknown {
			t.Errorf("%s: got %q, %v", status, hint, err)
		}
		if calls := fake.calls(); len(calls) != 1 {
			t.Errorf("%s: asked %q", status, calls)
		}
	}
}

func TestAHintThatCannotBeReadIsUnknown(t *testing.T) {
	for call, status := range map[string]int{inspectCall: 503, logsCall: 502} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answerJSON(call, status, "")
		if hint, err := fake.serve(t).GPUHint(t.Context()); hint != evidence.GPUHintUnknown || !errors.Is(err, ErrEngineAway) {
			t.Errorf("%s answered by %d: got %q, %v", call, status, hint, err)
		}
	}
}
