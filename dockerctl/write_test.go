package dockerctl

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// writes are the three calls that change something, each with how it is asked.
var writes = map[string]struct {
	call func(*Container, context.Context) error
	want string
	path string
}{
	"stop": {
		func(c *Container, ctx context.Context) error { return c.Stop(ctx, judged, 30*time.Second) },
		"POST /v1.41/containers/clawgate-ollama/stop?t=30", "POST /containers/clawgate-ollama/stop",
	},
	"start": {
		func(c *Container, ctx context.Context) error { return c.Start(ctx, judged) },
		"POST /v1.41/containers/clawgate-ollama/start", "POST /containers/clawgate-ollama/start",
	},
	"restart": {
		func(c *Container, ctx context.Context) error { return c.Restart(ctx, judged, 30*time.Second) },
		"POST /v1.41/containers/clawgate-ollama/restart?t=30", "POST /containers/clawgate-ollama/restart",
	},
}

const inspectCall = "GET /containers/clawgate-ollama/json"

func TestAWriteLooksAndThenWrites(t *testing.T) {
	for name, write := range writes {
		for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
			fake := newFakeEngine()
			fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
			fake.answer(write.path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			if err := write.call(fake.serve(t), t.Context()); err != nil {
				t.Errorf("%s answered by %d: %v", name, status, err)
			}
			if calls := fake.calls(); !slices.Equal(calls, []string{"GET /v1.41/containers/clawgate-ollama/json", write.want}) {
				t.Errorf("%s asked %q", name, calls)
			}
		}
	}
}

func TestNothingIsWrittenToWhatWasNotJudged(t *testing.T) {
	recreated, restarted := inspection(evidence.Running), inspection(evidence.Running)
	recreated["Id"] = strings.Repeat("b2", 32)
	restarted["State"] = map[string]any{"Status": "running", "StartedAt": startedAt.Add(time.Nanosecond).Format(time.RFC3339Nano)}
	for name, write := range writes {
		for change, test := range map[string]struct {
			status int
			body   any
			want   error
		}{
			"created anew":    {200, recreated, evidence.ErrChanged},
			"started again":   {200, restarted, evidence.ErrChanged},
			"removed":         {404, missing(), evidence.ErrChanged},
			"paused":          {200, inspection(evidence.Paused), evidence.ErrPaused},
			"engine away":     {503, "", ErrEngineAway},
			"engine confused": {200, "{}", nil},
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				fake := newFakeEngine()
				fake.answerJSON(inspectCall, test.status, test.body)
				err := write.call(fake.serve(t), t.Context())
				if err == nil || (test.want != nil && !errors.Is(err, test.want)) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if fake.wrote() {
					t.Errorf("it was written all the same: %q", fake.calls())
				}
			})
		}
	}
}

func TestAStoppedContainerIsNeitherStoppedNorRestarted(t *testing.T) {
	for _, status := range []evidence.Status{evidence.Exited, evidence.Created, evidence.Dead, evidence.Removing} {
		for name, write := range map[string]func(*Container) error{
			"restart": func(c *Container) error { return c.Restart(t.Context(), judged, 0) },
			"stop":    func(c *Container) error { return c.Stop(t.Context(), judged, 0) },
		} {
			fake := newFakeEngine()
			fake.answerJSON(inspectCall, 200, inspection(status))
			if err := write(fake.serve(t)); !errors.Is(err, evidence.ErrChanged) || fake.wrote() {
				t.Errorf("%s of %s: got %v, asked %q", name, status, err, fake.calls())
			}
		}
	}
}

func TestStopTimeoutsAreWholeSecondsInRange(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		want    string // empty: refused
	}{
		{0, "t=0"}, {time.Millisecond, "t=1"}, {1500 * time.Millisecond, "t=2"}, {MaxStopTimeout, "t=999"},
		{-time.Nanosecond, ""}, {MaxStopTimeout + 1, ""},
	} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answerJSON("POST /containers/clawgate-ollama/stop", 204, "")
		err := fake.serve(t).Stop(t.Context(), judged, test.timeout)
		calls := fake.calls()
		if test.want == "" && (err == nil || len(calls) != 0) {
			t.Errorf("%s: got %v, asked %q; want a refusal", test.timeout, err, calls)
		}
		if test.want != "" && (err != nil || !strings.HasSuffix(calls[1], "/stop?"+test.want)) {
			t.Errorf("%s: got %v, asked %q; want %q", test.timeout, err, calls, test.want)
		}
	}
}

// The words are those of engines 20.10 to 29.
func TestAProcessThatOutlivesSIGKILLIsToldAsSuch(t *testing.T) {
	for verb, text := range map[string]string{
		"stop":    "cannot stop container: a1a1: tried to kill container, but did not receive an exit event",
		"restart": "Cannot restart container a1a1: tried to kill container, but did not receive an exit event",
	} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answerJSON(writes[verb].path, 500, map[string]string{"message": text})
		err := writes[verb].call(fake.serve(t), t.Context())
		if !errors.Is(err, evidence.ErrWontDie) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v", verb, err)
		}
	}
}

func TestAnyOtherFailureOfAStopIsNotThat(t *testing.T) {
	for status, body := range map[int]string{500: `{"message":"containerd is away"}`, 404: missing(), 504: "did not receive an exit event"} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answerJSON(writes["stop"].path, status, body)
		if err := fake.serve(t).Stop(t.Context(), judged, 30*time.Second); err == nil || errors.Is(err, evidence.ErrWontDie) {
			t.Errorf("answered by %d: got %v", status, err)
		}
	}
}

func TestOnlyTheEnginesOwnWordIsAStartThatFailed(t *testing.T) {
	for status, want := range map[int]bool{400: true, 409: true, 500: true, 404: false, 502: false, 503: false, 504: false} {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Exited))
		fake.answerJSON(writes["start"].path, status, missing())
		err := fake.serve(t).Start(t.Context(), judged)
		if err == nil || errors.Is(err, evidence.ErrStartFailed) != want {
			t.Errorf("answered by %d: got %v, want ErrStartFailed %v", status, err, want)
		}
	}
}

func TestAFailedWriteGivesTheEnginesReason(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON(inspectCall, 200, inspection(evidence.Exited))
	fake.answerJSON("POST /containers/clawgate-ollama/start", 500, `{"message":"nvidia-container-cli: initialization error"}`)
	err := fake.serve(t).Start(t.Context(), judged)
	if !errors.Is(err, evidence.ErrStartFailed) || !strings.Contains(err.Error(), "nvidia-container-cli: initialization error") || errors.Is(err, ErrEngineAway) {
		t.Errorf("got %v", err)
	}
}

// A stop answers up to 15 s after its own timeout has passed.
func TestAStopIsWaitedForLongerThanTheEngineTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answer("POST /containers/clawgate-ollama/stop", func(http.ResponseWriter, *http.Request) { time.Sleep(45 * time.Second) })
		if err := fake.inMemory(t).Stop(t.Context(), judged, 30*time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryCallHasADeadline(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, test := range map[string]struct {
		call  string
		make  func(*Container, context.Context) error
		limit time.Duration
	}{
		"ping":      {"HEAD /_ping", func(c *Container, ctx context.Context) error { _, err := c.Inspect(ctx); return err }, 5 * time.Second},
		"inspect":   {inspectCall, func(c *Container, ctx context.Context) error { _, err := c.Inspect(ctx); return err }, 5 * time.Second},
		"activity":  {"GET /containers/clawgate-ollama/stats", func(c *Container, ctx context.Context) error { _, err := c.Activity(ctx); return err }, 5 * time.Second},
		"processes": {"GET /containers/clawgate-ollama/top", func(c *Container, ctx context.Context) error { _, err := c.Processes(ctx); return err }, 5 * time.Second},
		"gpu hint":  {"GET /containers/clawgate-ollama/logs", func(c *Container, ctx context.Context) error { _, err := c.GPUHint(ctx); return err }, 5 * time.Second},
		"log":       {"GET /containers/clawgate-ollama/logs", func(c *Container, ctx context.Context) error { _, err := c.LogTail(ctx, 1); return err }, 5 * time.Second},
		"stop":      {writes["stop"].path, writes["stop"].call, 60 * time.Second},
		"start":     {writes["start"].path, writes["start"].call, 60 * time.Second},
		"restart":   {writes["restart"].path, writes["restart"].call, 120 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeEngine()
				fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
				fake.answer(test.call, silent)
				began := time.Now()
				err := test.make(fake.inMemory(t), t.Context())
				if took := time.Since(began); !errors.Is(err, ErrEngineAway) || took != test.limit {
					t.Errorf("got %v after %s, want ErrEngineAway after %s", err, took, test.limit)
				}
			})
		})
	}
}

// The engine carries out a stop that nobody waits for any more, so a write that
// came next would meet it half way.
func TestAWriteIsWaitedForWhenItsCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		var underWay, most atomic.Int32
		slow := func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), underWay.Add(1)))
			time.Sleep(20 * time.Second)
			underWay.Add(-1)
		}
		fake.answer("POST /containers/clawgate-ollama/stop", slow)
		fake.answer("POST /containers/clawgate-ollama/restart", slow)
		container := fake.inMemory(t)
		leaving, leave := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- container.Stop(leaving, judged, 30*time.Second) }()
		time.Sleep(time.Second)
		leave()
		began := time.Now()
		if err := container.Restart(t.Context(), judged, 0); err != nil {
			t.Error(err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("the stop that was sent: %v", err)
		}
		if took := time.Since(began); took != 39*time.Second || most.Load() != 1 {
			t.Errorf("%d writes at once, the second done after %s", most.Load(), took)
		}
	})
}

func TestAWriteThatWaitsForAnotherCanBeGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answerJSON(inspectCall, 200, inspection(evidence.Running))
		fake.answer("POST /containers/clawgate-ollama/stop", func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Second) })
		container := fake.inMemory(t)
		stopped := make(chan error, 1)
		go func() { stopped <- container.Stop(t.Context(), judged, 30*time.Second) }()
		time.Sleep(time.Second)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := container.Start(impatient, judged); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrEngineAway) {
			t.Errorf("got %v, want the caller's deadline alone", err)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}
