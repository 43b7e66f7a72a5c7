package relay

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// frozen is an Ollama whose runner gives no byte.
func frozen(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() }

func (w *world) recover(during time.Duration) int {
	w.close(Closure{Reason: "recovering", MayHold: true})
	ctx, done := context.WithTimeout(w.Context(), 5*time.Second)
	defer done()
	n := w.relay.Cancel(ctx, model, "the runner was frozen")
	for _, request := range w.relay.Traffic().InFlight {
		if request.Model == model {
			w.Errorf("in flight after Cancel: %+v", request)
		}
	}
	time.Sleep(during)
	w.ollama(chat("healed"))
	w.open()
	return n
}

func TestAClientWithoutAByteGetsItsWholeAnswerAfterRecovery(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(frozen)
		waiting := w.later("/api/chat", chatBody)
		if n := w.recover(20 * time.Second); n != 1 {
			w.Errorf("cancelled %d", n)
		}
		got := <-waiting
		if got.err != nil || strings.Count(got.body, "healed") != 1 || !strings.HasSuffix(got.body, doneLine) {
			w.Errorf("%d %q %v", got.status, got.body, got.err)
		}
		if w.counted(w.replays, "answered") != 1 || w.reached() != 2 || w.served[0] != w.served[1] {
			w.Errorf("replays %v, served %q", w.replays, w.served)
		}
	})
}

func TestARequestIsSentOnceMoreAndNotTwice(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(frozen)
		waiting := w.later("/api/chat", chatBody)
		w.close(Closure{Reason: "recovering", MayHold: true})
		w.relay.Cancel(w.Context(), "", "frozen")
		w.open()
		time.Sleep(time.Second)
		w.close(Closure{Reason: "recovering", MayHold: true})
		w.relay.Cancel(w.Context(), "", "frozen")
		got := <-waiting
		if got.status != 503 || got.header.Get("Clawgate-State") == "" || w.reached() != 2 || w.counted(w.replays, "failed") != 1 {
			w.Errorf("%d %q, reached %d, replays %v", got.status, got.body, w.reached(), w.replays)
		}
	})
}

func TestAStreamThatHasBegunEndsWithAnErrorLineWhenARecoveryBegins(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, request *http.Request) { say(writer, "half"); frozen(writer, request) })
		streaming := w.later("/api/chat", chatBody)
		w.recover(time.Second)
		got := <-streaming
		if got.err == nil || !strings.HasSuffix(got.body, `{"error":"the answer was cut: the runner was frozen"}`+"\n") {
			w.Errorf("%q %v", got.body, got.err)
		}
		if w.reached() != 1 || w.counted(w.cuts, "recovery") != 1 {
			w.Errorf("reached %d, cuts %v", w.reached(), w.cuts)
		}
		w.wantSigns(evidence.SignFirstChunk)
	})
}

func TestARecoveryOfOneModelLeavesTheOthersAlone(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			say(writer, "a")
			time.Sleep(time.Minute)
			chat("b")(writer, r)
		})
		other := w.later("/api/chat", `{"model":"other","messages":[{"content":"x"}]}`)
		if n := w.recover(time.Second); n != 0 {
			w.Errorf("cancelled %d", n)
		}
		if got := <-other; got.err != nil || !strings.HasSuffix(got.body, doneLine) {
			w.Errorf("%q %v", got.body, got.err)
		}
	})
}

func TestSuspectsComeLastAndAlone(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 3 }, func(w *world) {
		w.ollama(frozen)
		body := func(name string) string { return `{"model":"qwen3:32b","messages":[{"content":"` + name + `"}]}` }
		replies := []<-chan reply{w.later("/api/chat", body("suspect1")), w.later("/api/chat", body("suspect2"))}
		w.close(Closure{Reason: "recovering", MayHold: true})
		w.relay.Cancel(w.Context(), model, "frozen")
		replies = append(replies, w.later("/api/chat", body("innocent"), "Prefer", "wait=60"))
		var now, most atomic.Int32
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			chat("hi")(writer, r)
		})
		w.open()
		for _, r := range replies {
			if got := <-r; got.status != 200 || got.err != nil {
				w.Errorf("%d %v", got.status, got.err)
			}
		}
		order := strings.Join(w.served[2:], " ")
		if !strings.Contains(w.served[2], "innocent") || most.Load() != 1 {
			w.Errorf("served %s, at most %d at a time", order, most.Load())
		}
	})
}

func TestASuspectDoesNotWaitForAQuietMomentForEver(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 2 }, func(w *world) {
		w.ollama(frozen)
		suspect := w.later("/api/chat", chatBody)
		w.close(Closure{Reason: "recovering", MayHold: true})
		w.relay.Cancel(w.Context(), model, "frozen")
		release := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "long") {
				say(writer, "long")
				<-release
			}
			chat("hi")(writer, r)
		})
		long := w.later("/api/chat", `{"model":"qwen3:32b","messages":[{"content":"long"}]}`, "Prefer", "wait=60")
		w.open()
		start := time.Now()
		if got := <-suspect; got.status != 200 || time.Since(start) > 61*time.Second {
			w.Errorf("%d after %v", got.status, time.Since(start))
		}
		close(release)
		<-long
	})
}

func TestARunnerThatDiedBeforeTheFirstByteIsTriedOnceMore(t *testing.T) {
	died := map[string]http.HandlerFunc{
		"as a status": func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(500)
			io.WriteString(writer, `{"error":"model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"}`)
		},
		"as the first line": func(writer http.ResponseWriter, _ *http.Request) {
			writer.Header().Set("Content-Type", "application/x-ndjson")
			io.WriteString(writer, `{"error":"an error was encountered while running the model: unexpected EOF"}`+"\n")
		},
		"after the header": func(writer http.ResponseWriter, _ *http.Request) {
			writer.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	}
	for name, answer := range died {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.ollama(func(writer http.ResponseWriter, r *http.Request) { w.ollama(chat("again")); answer(writer, r) })
				if got := w.post("/api/chat", chatBody); got.status != 200 || !strings.Contains(got.body, "again") || got.err != nil {
					w.Errorf("%d %q %v", got.status, got.body, got.err)
				}
				w.wantSigns(evidence.SignRunnerDied, evidence.SignFirstChunk, evidence.SignAnswered)
			})
			inWorld(t, nil, func(w *world) {
				w.ollama(answer)
				w.post("/api/chat", chatBody)
				if w.reached() != 2 || w.counted(w.replays, "failed") > 1 {
					w.Errorf("sent %d times, replays %v", w.reached(), w.replays)
				}
			})
		})
	}
}

func TestAConnectionResetBeforeTheAnswerIsTriedOnceMore(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(http.ResponseWriter, *http.Request) { w.ollama(chat("again")); panic(http.ErrAbortHandler) })
		if got := w.post("/api/chat", chatBody); got.status != 200 || got.err != nil {
			w.Errorf("%d %q %v", got.status, got.body, got.err)
		}
		w.wantSigns(evidence.SignRefused, evidence.SignFirstChunk, evidence.SignAnswered)
	})
}

func TestAServerThatIsBackWithinASecondIsNotMissed(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.away.Store(true)
		waiting := w.later("/api/chat", chatBody)
		w.wantSigns(evidence.SignRefused)
		time.Sleep(800 * time.Millisecond)
		w.away.Store(false)
		if got := <-waiting; got.status != 200 || got.err != nil {
			w.Errorf("%d %q %v", got.status, got.body, got.err)
		}
	})
}

func TestARequestThatWasNotSentWaitsForTheGateAndMayStillBeReplayed(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.away.Store(true)
		waiting := w.later("/api/chat", chatBody)
		w.close(Closure{Reason: "down", MayHold: true})
		time.Sleep(30 * time.Second)
		w.away.Store(false)
		w.ollama(func(http.ResponseWriter, *http.Request) { w.ollama(chat("again")); panic(http.ErrAbortHandler) })
		w.open()
		if got := <-waiting; got.status != 200 || got.err != nil || w.reached() != 2 {
			w.Errorf("%d %q %v, reached %d", got.status, got.body, got.err, w.reached())
		}
	})
}

func TestBeingKeptEndsWithTheBudget(t *testing.T) {
	inWorld(t, func(c *Config) { c.HoldMax = 20 * time.Second }, func(w *world) {
		w.away.Store(true)
		start := time.Now()
		got := w.post("/api/chat", chatBody)
		if took := time.Since(start); got.status != 503 || took > 20*time.Second || took < 18*time.Second {
			w.Errorf("open gate: %d after %v", got.status, took)
		}
		start = time.Now()
		waiting := w.later("/api/chat", chatBody)
		w.close(Closure{Reason: "down", MayHold: true})
		if got := <-waiting; got.status != 503 || time.Since(start) != 20*time.Second {
			w.Errorf("closed gate: %d after %v", got.status, time.Since(start))
		}
	})
}
