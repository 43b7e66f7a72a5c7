package forward

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/sidecar/relay"
)

func TestAnAnswerIsPassedOnPieceByPiece(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		if got := w.post("/api/chat", chatBody); got.status != 200 || got.err != nil || strings.Count(got.body, "\n") != 3 {
			t.Errorf("%+v", got)
		}
		r := w.result()
		if r.Status != 200 || r.Attempts != 1 || r.Sidecar != "10.0.0.1:80" || r.Model != "m:latest" || r.Bytes == 0 || r.FirstChunk == 0 || r.Cut != "" || r.Refused != "" {
			t.Errorf("%+v", r)
		}
		if n := w.forwarder.Buffered(); n != 0 {
			t.Errorf("%d bytes are still held", n)
		}
	})
}

func TestAClosedGateIsNotSeenWhileAnotherIsOpen(t *testing.T) {
	for name, looked := range map[string]time.Duration{"before a look": 0, "after a look": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, nil, func(w *world) {
				defer w.busy(2)()
				w.sidecars[0].SetGate(relay.Gate{State: "isolated", Models: map[string]relay.Closure{"m:latest": {Reason: "frozen", MayHold: true}}})
				time.Sleep(looked)
				if got := w.post("/api/chat", chatBody, "Prefer", "wait=30"); got.status != 200 || got.err != nil || got.took != 0 {
					t.Errorf("%+v", got)
				}
				if w.sidecars[1].asked() != 1 {
					t.Error("it did not reach the other sidecar")
				}
			})
		})
	}
}

func TestARequestThatWaitsForASlotMovesAsOneThatNobodyHasSeen(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		for range 4 {
			defer w.busy(2)()
		}
		hang := make(chan struct{})
		defer close(hang)
		a, b := w.sidecars[0], w.sidecars[1]
		a.answers(func(http.ResponseWriter, *http.Request) { <-hang })
		var replies []<-chan reply
		for range 4 { // one for the slot, one more, and two that are queued
			replies = append(replies, w.later("/api/chat", chatBody))
		}
		a.close(relay.Closure{Reason: "recovering", MayHold: true})
		for _, r := range replies {
			if got := <-r; got.status != 200 || got.err != nil {
				t.Errorf("%+v", got)
			}
		}
		seen := 0
		for _, request := range b.reached {
			if request.Header.Get("Clawgate-Replayed") != "" {
				seen++
			}
		}
		if len(a.served) != 2 || len(b.reached) != 4 || seen != 2 {
			t.Errorf("%d were with one Ollama; of %d that moved %d were taken for seen", len(a.served), len(b.reached), seen)
		}
	})
}

func TestWhereNoGateIsOpenTheSidecarsOwnRefusalIsPassedOn(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		for _, s := range w.sidecars {
			s.close(relay.Closure{Reason: "the runner is frozen", MayHold: true, ExpectedOpen: time.Now().Add(12 * time.Second)})
		}
		for range 2 { // before a look and after it
			got := w.post("/api/chat", chatBody)
			h := got.header
			if got.status != 503 || !strings.Contains(got.body, "the runner is frozen") || h.Get("Retry-After") != "60" || h.Get("Retry-After-Ms") == "" || h.Get("Clawgate-State") != "recovering" || got.took != 0 {
				t.Errorf("%+v", got)
			}
			time.Sleep(2 * time.Second)
		}
	})
}

func TestARequestThatAsksToWaitIsServedWhenAGateOpens(t *testing.T) {
	for name, c := range map[string]struct {
		prefer string
		hold   time.Duration
	}{"asked for": {"wait=30", 0}, "for everybody": {"", 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, func(config *Config) { config.Hold = c.hold }, func(w *world) {
				for _, s := range w.sidecars {
					s.close(relay.Closure{Reason: "recovering", MayHold: true})
				}
				held := w.later("/api/chat", chatBody, "Prefer", c.prefer)
				time.Sleep(20 * time.Second)
				w.sidecars[1].open()
				got := <-held
				if got.status != 200 || got.err != nil || got.took > 21*time.Second {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestBothHopsSpendOneBudget(t *testing.T) {
	for name, looked := range map[string]time.Duration{"before a look": 0, "after a look": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, nil, func(w *world) {
				for _, s := range w.sidecars {
					s.close(relay.Closure{Reason: "recovering", MayHold: true})
				}
				time.Sleep(looked)
				got := w.post("/api/chat", chatBody, "Prefer", "wait=30")
				if got.status != 503 || got.took < 29*time.Second || got.took > 31*time.Second || got.header.Get("Clawgate-State") != "recovering" {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestNobodyWaitsForAGateThatWillNotOpen(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].close(relay.Closure{Reason: "the restart budget is spent"})
		got := w.post("/api/chat", chatBody, "Prefer", "wait=100")
		if got.status != 503 || !strings.Contains(got.body, "budget is spent") || got.took > time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestASidecarThatRestartsIsWaitedFor(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].door.die()
		held := w.later("/api/chat", chatBody)
		time.Sleep(6 * time.Second)
		w.sidecars[0].door.away.Store(false)
		if got := <-held; got.status != 200 || got.err != nil || got.took > 7*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestASidecarThatDoesNotComeBackIsNotWaitedForLong(t *testing.T) {
	for path, want := range map[string]string{"/api/chat": `{"error":"`, "/v1/chat/completions": `"code":"service_unavailable"`, "/v1/messages": `"overloaded_error"`, "/api/tags": `{"error":"`} {
		t.Run(path, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				w.sidecars[0].door.die()
				got := w.post(path, chatBody)
				h := got.header
				if got.status != 503 || got.took != 10*time.Second || h.Get("Retry-After") == "" || h.Get("Retry-After-Ms") == "" || h.Get("Clawgate-State") != "gateway" || !strings.Contains(got.body, want) {
					t.Errorf("%+v", got)
				}
				if r := w.result(); r.Refused != "no_sidecar" || r.Held != 10*time.Second {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestARelayThatDrainsIsLeftWithoutAWord(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		defer w.busy(2)()
		if err := w.sidecars[0].Drain(w.Context()); err != nil {
			t.Error(err)
		}
		if got := w.post("/api/chat", chatBody); got.status != 200 || got.took != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestARequestThatWaitsAtAGateMovesToTheOneThatOpens(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		w.sidecars[0].close(relay.Closure{Reason: "recovering", MayHold: true})
		w.sidecars[1].door.die()
		time.Sleep(time.Second)
		held := w.later("/api/chat", chatBody, "Prefer", "wait=60")
		time.Sleep(5 * time.Second)
		w.sidecars[1].door.away.Store(false)
		if got := <-held; got.status != 200 || got.took > 7*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestAWaitingClientThatGoesLeavesNothing(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].close(relay.Closure{Reason: "recovering", MayHold: true})
		time.Sleep(time.Second)
		w.client.Timeout = 3 * time.Second
		if got := w.post("/api/chat", chatBody, "Prefer", "wait=60"); got.err == nil {
			t.Errorf("%+v", got)
		}
		if r := w.result(); r.Status != statusClientGone || w.forwarder.Buffered() != 0 {
			t.Errorf("%+v, %d bytes held", r, w.forwarder.Buffered())
		}
		synctest.Wait()
		if load := w.sidecars[0].Load(); load.Held != 0 || load.InFlight != 0 {
			t.Errorf("the relay still has it: %+v", load)
		}
	})
}
