package probe

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// A client that leaves between the token and the last chunk can cost Ollama the
// slot for ever. The probe knows its result by then, and stays.
func TestTheProbeStaysForTheEndOfTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		finished := false
		w.ask = func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, `{"message":{"content":"h"},"done":false}`+"\n")
			_ = http.NewResponseController(rw).Flush()
			select {
			case <-time.After(10 * time.Second):
				finished = true
				_, _ = io.WriteString(rw, `{"message":{"content":""},"done":true}`+"\n")
			case <-r.Context().Done():
			}
		}
		began := time.Now()
		result := w.ready(w.Context(), spec())
		if result.Outcome != evidence.Success || result.Took > time.Second {
			t.Errorf("got %+v, want a success at the first chunk", result)
		}
		if !finished || time.Since(began) < 10*time.Second {
			t.Errorf("the probe left before the answer's end, after %s", time.Since(began))
		}
		w.expectLate()
	})
}
