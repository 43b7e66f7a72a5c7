package forward

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/sidecar/relay"
)

// largeBody goes over net/http's own transport, which small ones do not.
var largeBody = `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", 100<<10) + `"}]}`

func TestNobodySendsAgainBehindTheForwardersBack(t *testing.T) {
	for path, want := range map[string]int{"/api/create": 1, "/api/chat": maxDeaths} {
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			inWorld(t, 1, nil, func(w *world) {
				s, dead := w.sidecars[0], false
				s.scripted(func(writer http.ResponseWriter, request *http.Request) {
					io.Copy(io.Discard, request.Body)
					if dead {
						panic(http.ErrAbortHandler)
					}
					io.WriteString(writer, "{}")
				})
				if got := w.post(path, largeBody); got.status != 200 { // leaves a connection that is used again
					t.Fatal(got)
				}
				synctest.Wait()
				dead = true
				got := w.post(path, largeBody, name, "k")
				if sent := s.asked() - 1; got.status != 503 || sent != want || w.result().Attempts != want {
					t.Errorf("%s: %d, sent %d times in %d attempts", path, got.status, sent, w.result().Attempts)
				}
			})
		}
	}
}

// The relay aborts such an answer itself, and lives.
func TestAnAnswerThatOllamaBreaksOffIsNotTakenForASidecarsDeath(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
	}{{"POST", "/api/chat", 200}, {"GET", "/api/tags", 200}, {"POST", "/api/create", 200}, {"POST", "/api/create", 500}} {
		for _, length := range []string{"1000", ""} {
			inWorld(t, 1, nil, func(w *world) {
				w.sidecars[0].answers(func(writer http.ResponseWriter, _ *http.Request) {
					writer.Header().Set("Content-Type", "application/json")
					if length != "" {
						writer.Header().Set("Content-Length", length)
					}
					writer.WriteHeader(c.status)
					io.WriteString(writer, strings.Repeat("x", 500))
					writer.(http.Flusher).Flush()
					time.Sleep(time.Second)
					panic(http.ErrAbortHandler)
				})
				got := w.do(w.Context(), c.method, c.path, strings.NewReader(chatBody))
				r := w.result()
				if got.err == nil || r.Attempts != 1 || r.Cut != "sidecar" || !w.forwarder.config.Pool.Report()[0].Up {
					t.Errorf("%+v, length %q: %d %v, %+v", c, length, got.status, got.err, r)
				}
			})
		}
	}
}

func TestARequestReachesAnOllamaThreeTimesAtMostWhileTheSidecarsLive(t *testing.T) {
	for name, c := range map[string]struct {
		other  http.HandlerFunc
		status int
	}{"and is answered": {chat("hi"), 200}, "and kills that too": {dies, 503}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 3, nil, func(w *world) {
				for range 4 {
					defer w.busy(3)()
				}
				defer w.busy(2)()
				hang := make(chan struct{})
				defer close(hang)
				a, b := w.sidecars[0], w.sidecars[1]
				a.answers(func(http.ResponseWriter, *http.Request) {
					a.answers(func(http.ResponseWriter, *http.Request) { <-hang })
					panic(http.ErrAbortHandler)
				})
				b.answers(c.other)
				moved := w.later("/api/chat", chatBody)
				a.close(relay.Closure{Reason: "recovering", MayHold: true})
				if got := <-moved; got.status != c.status || got.err != nil {
					t.Errorf("%+v", got)
				}
				if len(a.served) != 2 || len(b.served) != 1 || len(w.sidecars[2].served) != 0 {
					t.Errorf("sent %d, %d and %d times", len(a.served), len(b.served), len(w.sidecars[2].served))
				}
			})
		})
	}
}
