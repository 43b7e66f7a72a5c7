package forward

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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
