package relay

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAClosedGateRefusesInTheClientsFormat(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.close(Closure{Reason: "the runner is frozen", MayHold: true, ExpectedOpen: time.Now().Add(12 * time.Second), Progress: "unloading"})
		for path, want := range map[string]string{
			"/api/chat":            `{"error":"the runner is frozen (unloading)"}`,
			"/v1/chat/completions": `{"error":{"code":"service_unavailable","message":"the runner is frozen (unloading)","param":null,"type":"service_unavailable"}}`,
			"/v1/messages":         `{"error":{"message":"the runner is frozen (unloading)","type":"overloaded_error"},"type":"error"}`,
		} {
			got := w.post(path, chatBody)
			if got.status != 503 || got.body != want {
				w.Errorf("%s: %d %s", path, got.status, got.body)
			}
			h := got.header
			if h.Get("Retry-After") != "60" || h.Get("Retry-After-Ms") != "12000" || h.Get("Clawgate-State") != "recovering" {
				w.Errorf("%s: headers %v", path, h)
			}
		}
	})
}

func TestAnEstimateThatNobodyHasIsOneThatClientsObey(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.close(Closure{Reason: "down"})
		if got := w.post("/api/chat", chatBody); got.header.Get("Retry-After-Ms") != "59000" {
			w.Errorf("%v", got.header)
		}
	})
}

func TestNothingIsLetThroughBeforeTheFirstGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{})
		if got := r.readiness(); got.Ready || got.State != "starting" {
			t.Errorf("%+v", got)
		}
	})
}

func TestAHeldRequestIsSentWhenTheGateOpens(t *testing.T) {
	for name, hold := range map[string]struct {
		header string
		hold   time.Duration
	}{"asked for": {"respond-async, wait=30", 0}, "for everybody": {"", 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(c *Config) { c.Hold = hold.hold }, func(w *world) {
				w.close(Closure{Reason: "recovering", MayHold: true})
				reply := w.later("/api/chat", chatBody, "Prefer", hold.header)
				if load := w.relay.Load(); load.Held != 1 || load.Queued != 0 {
					w.Errorf("load %+v", load)
				}
				time.Sleep(20 * time.Second)
				w.open()
				if got := <-reply; got.status != 200 || got.err != nil {
					w.Errorf("%d %s %v", got.status, got.body, got.err)
				}
			})
		})
	}
}

func TestHoldingEndsWithItsBudget(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"wait=5": 5 * time.Second, `wait="7"`: 7 * time.Second, "wait=100000": 120 * time.Second,
		"wait=-1": 0, "wait=soon": 0, "wait=0": 0, "handling=lenient": 0,
	} {
		t.Run(header, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.close(Closure{Reason: "recovering", MayHold: true})
				start := time.Now()
				got := w.post("/api/chat", chatBody, "Prefer", header)
				if took := time.Since(start); got.status != 503 || took != want {
					w.Errorf("%d after %v, want %v", got.status, took, want)
				}
			})
		})
	}
}

func TestNobodyWaitsForAGateThatWillNotOpen(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.close(Closure{Reason: "recovering", MayHold: true})
		held := w.later("/api/chat", chatBody, "Prefer", "wait=100")
		w.close(Closure{Reason: "the restart budget is spent"})
		if got := <-held; got.status != 503 || !strings.Contains(got.body, "budget is spent") {
			w.Errorf("%d %s", got.status, got.body)
		}
		if got := w.post("/api/chat", chatBody, "Prefer", "wait=100"); got.status != 503 {
			w.Errorf("a new one: %d", got.status)
		}
	})
}

// slow is an Ollama that answers one request after the other, each in a second.
func slow(writer http.ResponseWriter, request *http.Request) {
	time.Sleep(time.Second)
	chat("hi")(writer, request)
}

func TestNoMoreGoUpstreamThanThereAreSlotsAndOne(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(slow)
		w.relay.SetSlots(2)
		var replies []<-chan reply
		for range 5 {
			replies = append(replies, w.later("/api/chat", chatBody))
		}
		other := w.later("/api/chat", `{"model":"other","messages":[{"content":"x"}]}`)
		if load := w.relay.Load(); load.InFlight != 4 || load.Queued != 2 {
			w.Errorf("load %+v, want 3 and another model's in flight", load)
		}
		if traffic := w.relay.Traffic(); traffic.Waiting != 2 || len(traffic.InFlight) != 4 || traffic.OldestWaiting.IsZero() {
			w.Errorf("traffic %+v", traffic)
		}
		for _, r := range append(replies, other) {
			if got := <-r; got.status != 200 {
				w.Errorf("%d %s", got.status, got.body)
			}
		}
	})
}

func TestTheKeysTakeTurns(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.ollama(slow)
		var replies []<-chan reply
		post := func(key string, n int) {
			body := fmt.Sprintf(`{"model":"m","messages":[{"content":"%s%d"}]}`, key, n)
			replies = append(replies, w.later("/api/chat", body, "Clawgate-Key", key))
		}
		for n := range 4 {
			post("greedy", n)
		}
		post("modest", 0)
		post("third", 0)
		for _, r := range replies {
			<-r
		}
		order := ""
		for _, body := range w.served {
			order += body[strings.Index(body, `content":"`)+10:][:1] + body[len(body)-5:len(body)-4] + " "
		}
		if want := "g0 g1 m0 t0 g2 g3 "; order != want {
			w.Errorf("served %q, want %q", order, want)
		}
	})
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight, c.QueueLength = 1, 2 }, func(w *world) {
		w.ollama(slow)
		first, second, third := w.later("/api/chat", chatBody), w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)
		start := time.Now()
		got := w.post("/api/chat", chatBody)
		if got.status != 503 || time.Since(start) > 0 || got.header.Get("Retry-After") != "60" {
			w.Errorf("%d after %v, %v", got.status, time.Since(start), got.header)
		}
		if ms, err := strconv.Atoi(got.header.Get("Retry-After-Ms")); err != nil || ms < 1000 {
			w.Errorf("Retry-After-Ms %v", got.header)
		}
		if w.counted(w.refused, "queue_full") != 1 {
			w.Errorf("refused %v", w.refused)
		}
		for _, r := range []<-chan reply{first, second, third} {
			if got := <-r; got.status != 200 {
				w.Errorf("%d", got.status)
			}
		}
	})
}

func TestWaitingForASlotEnds(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight, c.QueueTimeout = 1, 10*time.Second }, func(w *world) {
		release := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, r *http.Request) { <-release; chat("hi")(writer, r) })
		first := w.later("/api/chat", chatBody)
		start := time.Now()
		if got := w.post("/api/chat", chatBody); got.status != 503 || time.Since(start) != 10*time.Second {
			w.Errorf("%d after %v", got.status, time.Since(start))
		}
		close(release)
		<-first
		if load := w.relay.Load(); load.Queued+load.Held != 0 || w.counted(w.refused, "queue_timeout") != 1 {
			w.Errorf("load %+v, refused %v", load, w.refused)
		}
	})
}

func TestAQueuedRequestOutlastsAShortIsolation(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.ollama(slow)
		first, queued := w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)
		w.close(Closure{Reason: "isolated", MayHold: true})
		<-first
		time.Sleep(5 * time.Second)
		if w.reached() != 1 {
			w.Error("sent through the closed gate")
		}
		w.open()
		if got := <-queued; got.status != 200 {
			w.Errorf("%d", got.status)
		}
	})
}

func TestAWaitingClientThatGoesLeavesNothing(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.ollama(slow)
		first := w.later("/api/chat", chatBody)
		w.client.Timeout = 100 * time.Millisecond
		if got := w.post("/api/chat", chatBody); got.err == nil {
			w.Error("not cancelled")
		}
		synctest.Wait()
		if load := w.relay.Load(); load.Queued != 0 || load.BufferedBytes > int64(len(chatBody)) {
			w.Errorf("load %+v", load)
		}
		<-first
		if w.reached() != 1 {
			w.Error("it was sent all the same")
		}
		w.relay.admission.mu.Lock()
		defer w.relay.admission.mu.Unlock()
		if len(w.relay.admission.lanes) != 0 {
			w.Errorf("lanes left: %v", w.relay.admission.lanes)
		}
	})
}

func TestAQueuedRequestThatMayNotWaitLeavesAClosingGateUnseen(t *testing.T) {
	for prefer, leaves := range map[string]bool{"": false, "wait=0": true, "wait=4": true, "wait=30": false} {
		t.Run(prefer, func(t *testing.T) {
			inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
				w.ollama(func(writer http.ResponseWriter, r *http.Request) { time.Sleep(10 * time.Second); chat("hi")(writer, r) })
				first, queued := w.later("/api/chat", chatBody), w.later("/api/chat", chatBody, "Prefer", prefer)
				time.Sleep(5 * time.Second)
				w.close(Closure{Reason: "recovering", MayHold: true})
				time.Sleep(time.Second)
				if left := len(queued) == 1; left != leaves {
					w.Errorf("it left: %v, want %v", left, leaves)
				}
				w.open()
				<-first
				got := <-queued
				if leaves && (got.status != 503 || got.header.Get("Clawgate-Reason") != "gate" || got.header.Get("Clawgate-Seen") != "") || !leaves && got.status != 200 {
					w.Errorf("%d %v %v", got.status, got.header, got.err)
				}
			})
		})
	}
}

func TestOneThatIsKeptStaysWhateverItWasGiven(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(frozen)
		waiting := w.later("/api/chat", chatBody, "Prefer", "wait=0")
		w.close(Closure{Reason: "isolated", MayHold: true})
		w.relay.Cancel(w.Context(), model, "frozen")
		time.Sleep(20 * time.Second)
		w.close(Closure{Reason: "verifying", MayHold: true})
		w.ollama(chat("healed"))
		w.open()
		if got := <-waiting; got.status != 200 || got.err != nil {
			w.Errorf("%d %v", got.status, got.err)
		}
	})
}

func TestDrainingLetsWhatIsInFlightFinish(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.ollama(slow)
		first, queued := w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)
		if err := w.relay.Drain(w.Context()); err != nil {
			w.Error(err)
		}
		if got := <-first; got.status != 200 || got.err != nil {
			w.Errorf("in flight: %d %v", got.status, got.err)
		}
		if got := <-queued; got.status != 503 {
			w.Errorf("queued: %d", got.status)
		}
		if got := w.post("/api/chat", chatBody); got.status != 503 || w.relay.readiness().Ready {
			w.Errorf("new: %d", got.status)
		}
	})
}
