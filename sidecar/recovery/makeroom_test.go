package recovery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRoomIsMadeModelByModel(t *testing.T) {
	inWorld(t, func(w *world) {
		report := w.ladder.MakeRoom(w.Context(), model, []string{"a", model, "b"})
		if report.Err != nil || !report.Snapshot.Known {
			t.Errorf("%+v", report)
		}
		w.expect("gpu", "top", "blob a", "unload a", "top", "gpu", "top", "blob b", "unload b", "top")
		expectSteps(t, report, "look at the runners", "see that nobody uses it", "ask Ollama to unload the model", "see the runner gone",
			"look at the runners", "see that nobody uses it", "ask Ollama to unload the model", "see the runner gone")
		if first, fifth := report.Steps[1].Detail, report.Steps[6].Detail; first != "a" || fifth != "b" {
			t.Errorf("details %q and %q", first, fifth)
		}
	})
}

func TestAModelThatStaysKeepsNoOtherFromBeingUnloaded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.unloads = -1
		began := time.Now()
		report := w.ladder.MakeRoom(w.Context(), model, []string{"a", "b"})
		for _, want := range []string{"a: cannot see the runner gone", "b: cannot see the runner gone"} {
			if report.Err == nil || !strings.Contains(report.Err.Error(), want) {
				t.Errorf("%v says nothing of %q", report.Err, want)
			}
		}
		if took := time.Since(began); took != 2*runnerGone {
			t.Errorf("took %s", took)
		}
	})
}

func TestThereIsNoRoomToMake(t *testing.T) {
	for _, others := range [][]string{nil, {model}} {
		inWorld(t, func(w *world) {
			if report := w.ladder.MakeRoom(w.Context(), model, others); !errors.Is(report.Err, errNoOther) {
				t.Error(report.Err)
			}
			w.expect()
		})
	}
}

func TestMakingRoomEndsWithClawgate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.unloads = -1
		ctx, end := context.WithTimeout(w.Context(), time.Second)
		defer end()
		if report := w.ladder.MakeRoom(ctx, model, []string{"a", "b"}); !errors.Is(report.Err, context.DeadlineExceeded) {
			t.Error(report.Err)
		}
		w.expect("gpu", "top", "blob a", "unload a", "top")
	})
}
