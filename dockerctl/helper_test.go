package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const helperName = "clawgate-ollama-gpu-reset"

// fakeHelper is a helper on the fake engine: it runs for as long as the test wants
// and ends with a code.
type fakeHelper struct {
	*fakeEngine
	status    evidence.Status
	policy    string
	startedAt time.Time
	exitCode  int
}

func newFakeHelper(runs time.Duration, exitCode int) *fakeHelper {
	h := &fakeHelper{fakeEngine: newFakeEngine(), status: evidence.Created, policy: "no"}
	h.answer("GET /containers/"+helperName+"/json", func(w http.ResponseWriter, _ *http.Request) {
		if h.status == evidence.Running && time.Since(h.startedAt) >= runs {
			h.status, h.exitCode = evidence.Exited, exitCode
		}
		fmt.Fprintf(w, `{"Id":"ab","Name":"/%s","State":{"Status":"%s","StartedAt":"%s","ExitCode":%d},"HostConfig":{"RestartPolicy":{"Name":"%s"}}}`,
			helperName, h.status, h.startedAt.Format(time.RFC3339Nano), h.exitCode, h.policy)
	})
	h.answer("POST /containers/"+helperName+"/start", func(w http.ResponseWriter, _ *http.Request) {
		h.status, h.startedAt = evidence.Running, time.Now()
		w.WriteHeader(http.StatusNoContent)
	})
	return h
}

func (h *fakeHelper) run(t *testing.T, ctx context.Context) error {
	t.Helper()
	helper, err := h.inMemory(t).Helper(helperName)
	if err != nil {
		t.Fatal(err)
	}
	return helper.Run(ctx)
}

func TestAHelperIsStartedAndAwaited(t *testing.T) {
	for _, before := range []evidence.Status{evidence.Created, evidence.Exited} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeHelper(20*time.Second, 0)
			fake.status, fake.exitCode = before, 9 // of an earlier run
			began := time.Now()
			if err := fake.run(t, t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < 20*time.Second || took > 20*time.Second+helperPoll {
				t.Errorf("waited %s for 20 s of work", took)
			}
			calls := slices.Compact(fake.calls())
			if want := []string{"GET /v1.41/containers/" + helperName + "/json", "POST /v1.41/containers/" + helperName + "/start", "GET /v1.41/containers/" + helperName + "/json"}; !slices.Equal(calls, want) {
				t.Errorf("asked %q", calls)
			}
		})
	}
}

func TestAHelperThatFailsSaysHow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := newFakeHelper(time.Second, 19).run(t, t.Context())
		if err == nil || !strings.Contains(err.Error(), "it ended with exit code 19; its log says why (docker logs "+helperName+")") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAHelperThatDoesNotEndIsLeftToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := newFakeHelper(time.Hour, 0).run(t, t.Context())
		if err == nil || !strings.Contains(err.Error(), "it has not ended within 2m0s") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != helperLimit {
			t.Errorf("waited %s", took)
		}
	})
}

func TestAWaitForAHelperEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := newFakeHelper(time.Hour, 0).run(t, ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnEngineThatIsAwayForAMomentIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeHelper(10*time.Second, 0)
		inspect := fake.answers["GET /containers/"+helperName+"/json"]
		fake.answer("GET /containers/"+helperName+"/json", func(w http.ResponseWriter, r *http.Request) {
			if fake.status == evidence.Running && time.Since(fake.startedAt) < 5*time.Second {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			inspect(w, r)
		})
		if err := fake.run(t, t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAHelperIsNotStartedWhereThatWouldBeWrong(t *testing.T) {
	for want, change := range map[string]func(*fakeHelper){
		"it is running":                  func(h *fakeHelper) { h.status, h.startedAt = evidence.Running, time.Now() },
		"it is paused":                   func(h *fakeHelper) { h.status = evidence.Paused },
		`its restart policy is "always"`: func(h *fakeHelper) { h.policy = "always" },
		"it does not exist": func(h *fakeHelper) {
			h.answerJSON("GET /containers/"+helperName+"/json", 404, missing())
		},
		"does not answer": func(h *fakeHelper) { h.answerJSON("GET /containers/"+helperName+"/json", 503, "") },
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeHelper(time.Hour, 0)
			change(fake)
			if err := fake.run(t, t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if fake.wrote() {
				t.Errorf("%s: it was started", want)
			}
		})
	}
}

func TestAHelperThatTheEngineCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeHelper(0, 0)
		fake.answerJSON("POST /containers/"+helperName+"/start", 500, `{"message":"nvidia-container-cli: initialization error"}`)
		err := fake.run(t, t.Context())
		if !errors.Is(err, evidence.ErrStartFailed) || !strings.Contains(err.Error(), "nvidia-container-cli: initialization error") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAStartWhoseAnswerIsLostIsNotTakenForNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeHelper(20*time.Second, 0)
		fake.answer("POST /containers/"+helperName+"/start", func(w http.ResponseWriter, _ *http.Request) {
			fake.status, fake.startedAt = evidence.Running, time.Now()
			w.WriteHeader(http.StatusGatewayTimeout)
		})
		began := time.Now()
		if err := fake.run(t, t.Context()); err != nil || time.Since(began) < 20*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestARunningHelperIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fakeHelper)
		takes  time.Duration
		fails  bool
	}{
		"one that runs":           {func(h *fakeHelper) { h.status, h.startedAt = evidence.Running, time.Now() }, 20 * time.Second, false},
		"one that never ran":      {func(*fakeHelper) {}, 0, false},
		"one that is not there":   {func(h *fakeHelper) { h.answerJSON("GET /containers/"+helperName+"/json", 404, missing()) }, 0, false},
		"one that is forbidden":   {func(h *fakeHelper) { h.answerJSON("GET /containers/"+helperName+"/json", 403, "") }, 0, true},
		"one that nobody can see": {func(h *fakeHelper) { h.answerJSON("GET /containers/"+helperName+"/json", 503, "") }, helperLimit, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeHelper(20*time.Second, 0)
			c.change(fake)
			helper, err := fake.inMemory(t).Helper(helperName)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := helper.Await(t.Context()); (err != nil) != c.fails {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took < c.takes || took > c.takes+helperPoll {
				t.Errorf("%s: waited %s, want %s", name, took, c.takes)
			}
			if fake.wrote() {
				t.Errorf("%s: it was started", name)
			}
		})
	}
}

func TestAHelperThatIsRemovedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeHelper(time.Hour, 0)
		fake.answer("POST /containers/"+helperName+"/start", func(w http.ResponseWriter, _ *http.Request) {
			fake.answerJSON("GET /containers/"+helperName+"/json", 404, missing())
			w.WriteHeader(http.StatusNoContent)
		})
		if err := fake.run(t, t.Context()); err == nil || !strings.Contains(err.Error(), "it has been removed") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAHelperNeedsAName(t *testing.T) {
	for _, name := range []string{"", "cafe", "../x"} {
		if _, err := newFakeEngine().inMemory(t).Helper(name); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}
