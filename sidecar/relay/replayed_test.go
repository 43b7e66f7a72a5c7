package relay

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// died is an Ollama that takes every request and closes the connection.
func died(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestARequestThatAnotherOllamaHasSeenIsSentOnce(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"a lost connection": died,
		"an answer that does not come": func(writer http.ResponseWriter, _ *http.Request) {
			writer.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"a recovery": frozen,
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.ollama(answer)
				waiting := w.later("/api/chat", chatBody, "Clawgate-Replayed", "1")
				w.close(Closure{Reason: "recovering", MayHold: true})
				w.relay.Cancel(w.Context(), "", "frozen")
				w.ollama(chat("hi"))
				w.open()
				got := <-waiting
				if h := got.header; got.status != 503 || h.Get("Clawgate-Replayed") != "1" || h.Get("Clawgate-Reason") != "upstream" || h.Get("Retry-After") == "" {
					w.Errorf("%d %v %v", got.status, h, got.err)
				}
				if w.reached() != 1 {
					w.Errorf("sent %d times", w.reached())
				}
			})
		})
	}
}

func TestARunnerThatDiedOfARequestOfAnothersIsTold(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(500)
			io.WriteString(writer, `{"error":"model runner has unexpectedly stopped, this may be due to resource limitations"}`)
		})
		if got := w.post("/api/chat", chatBody, "Clawgate-Replayed", "1"); got.status != 500 || w.reached() != 1 {
			w.Errorf("%d %q, sent %d times", got.status, got.body, w.reached())
		}
	})
}

func TestOllamaIsNotToldWhoHasSeenARequest(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var seen http.Header
		w.ollama(func(writer http.ResponseWriter, r *http.Request) { seen = r.Header; chat("hi")(writer, r) })
		got := w.post("/api/chat", chatBody, "Clawgate-Replayed", "1")
		if got.status != 200 || got.err != nil || got.header.Get("Clawgate-Replayed") != "" || seen.Get("Clawgate-Replayed") != "" {
			w.Errorf("%d %v, Ollama got %v", got.status, got.header, seen)
		}
	})
}

// The gateway may take such a one to a further sidecar.
func TestOnlyARequestThatHasReachedAnOllamaTwiceIsRefusedAsReplayed(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if got := w.post("/api/chat", chatBody); got.status != 200 {
			w.Fatal(got)
		}
		w.ollama(died)
		if got := w.post("/api/chat", chatBody); got.status != 503 || got.header.Get("Clawgate-Replayed") != "1" || w.reached() != 3 {
			w.Errorf("sent twice: %d %v, reached %d", got.status, got.header, w.reached())
		}
		w.away.Store(true)
		if got := w.post("/api/chat", chatBody, "Clawgate-Replayed", "1"); got.status != 503 || got.header.Get("Clawgate-Replayed") != "" {
			w.Errorf("not sent here: %d %v", got.status, got.header)
		}
		w.close(Closure{Reason: "starting"})
		if got := w.post("/api/chat", chatBody, "Clawgate-Replayed", "1"); got.status != 503 || got.header.Get("Clawgate-Replayed") != "" {
			w.Errorf("at the closed gate: %d %v", got.status, got.header)
		}
		if w.reached() != 3 {
			w.Errorf("reached %d", w.reached())
		}
	})
	inWorld(t, func(c *Config) { c.ReplayMaxBytes = 0 }, func(w *world) {
		w.ollama(died)
		if got := w.post("/api/chat", chatBody); got.status != 503 || got.header.Get("Clawgate-Replayed") != "" || w.reached() != 1 {
			w.Errorf("sent once: %d %v, reached %d", got.status, got.header, w.reached())
		}
	})
}

func TestASuspectOfAnothersComesLastAndAlone(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 2 }, func(w *world) {
		began, next := make(chan string, 4), make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			began <- string(body)
			<-next
			say(writer, "a")
			<-next
			chat("b")(writer, r)
		})
		body := func(name string) string { return `{"model":"qwen3:32b","messages":[{"content":"` + name + `"}]}` }
		replies := []<-chan reply{w.later("/api/chat", body("running"))}
		<-began
		replies = append(replies, w.later("/api/chat", body("suspect"), "Clawgate-Replayed", "1"))
		if len(began) != 0 {
			w.Error("the suspect was sent beside another")
		}
		next <- struct{}{}
		next <- struct{}{}
		if got := <-began; !strings.Contains(got, "suspect") {
			w.Errorf("then %q", got)
		}
		replies = append(replies, w.later("/api/chat", body("innocent")))
		if len(began) != 0 {
			w.Error("another was sent beside the suspect")
		}
		next <- struct{}{} // its first chunk clears it
		if synctest.Wait(); len(began) != 1 {
			w.Error("the others wait for the end of one that works")
		}
		for range 3 {
			next <- struct{}{}
		}
		for _, r := range replies {
			if got := <-r; got.status != 200 || got.err != nil {
				w.Errorf("%d %v", got.status, got.err)
			}
		}
	})
}

func TestASuspectOfAnothersNeedsNoQueueWhenNobodyIsThere(t *testing.T) {
	inWorld(t, func(c *Config) { c.QueueLength, c.QueueTimeout = 0, 0 }, func(w *world) {
		start := time.Now()
		got := w.post("/api/chat", chatBody, "Clawgate-Replayed", "1", "Prefer", "wait=0")
		if got.status != 200 || time.Since(start) > time.Second {
			w.Errorf("%d %q after %v", got.status, got.body, time.Since(start))
		}
	})
}

func TestNobodySendsAgainBehindTheRelaysBack(t *testing.T) {
	large := `{"model":"qwen3:32b","messages":[{"content":"` + strings.Repeat("x", 100<<10) + `"}]}` // over net/http's own transport
	for path, want := range map[string]int{"/api/chat": 2, "/api/create": 1} {
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			inWorld(t, nil, func(w *world) {
				if got := w.post(path, large); got.status != 200 { // leaves a connection that is used again
					w.Fatal(got)
				}
				synctest.Wait()
				w.ollama(died)
				if got := w.post(path, large, name, "k"); got.status != 503 || w.reached()-1 != want {
					w.Errorf("%s: %d, sent %d times", path, got.status, w.reached()-1)
				}
			})
		}
	}
}
