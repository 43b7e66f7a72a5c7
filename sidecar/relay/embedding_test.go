package relay

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// An embedding comes in one piece, and proves its model as a token does.
func TestAnEmbeddingIsAFirstChunk(t *testing.T) {
	long := strings.Repeat("0.0123456789,", 8000)
	for name, c := range map[string]struct{ path, body, answer string }{
		"of today":    {"/api/embed", `{"model":"qwen3:32b","input":"x"}`, `{"embeddings":[[0.1]]}`},
		"a long one":  {"/api/embed", `{"model":"qwen3:32b","input":"x"}`, `{"embeddings":[[` + long + `1]]}`},
		"of once":     {"/api/embeddings", `{"model":"qwen3:32b","prompt":"x"}`, `{"embedding":[0.1]}`},
		"of OpenAI's": {"/v1/embeddings", `{"model":"qwen3:32b","input":["x"]}`, `{"object":"list","data":[{"embedding":[0.1]}]}`},
	} {
		inWorld(t, nil, func(w *world) {
			w.ollama(says(justJSON, c.answer))
			w.post(c.path, c.body)
			w.wantSigns(evidence.SignFirstChunk, evidence.SignAnswered)
			w.mu.Lock()
			defer w.mu.Unlock()
			if first := w.signs[0]; first.Model != model || first.Took != 0 || first.SentAt.IsZero() {
				w.Errorf("%s: %+v", name, first)
			}
		})
	}
}

func TestALoadByAnEmptyEmbeddingIsNoFirstChunk(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(says(justJSON, `{"embeddings":[]}`))
		w.post("/api/embed", `{"model":"qwen3:32b","input":""}`)
		for _, sign := range w.signs {
			if sign.Kind == evidence.SignFirstChunk {
				w.Errorf("%+v", sign)
			}
		}
	})
}

// Whoever waits for an embedding has waited long as soon as whoever waits for a text,
// and what is waited for can be told apart.
func TestAnEmbeddingThatDoesNotComeIsTold(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		released := make(chan struct{})
		w.ollama(func(rw http.ResponseWriter, r *http.Request) {
			<-released
			says(justJSON, `{"embeddings":[[0.1]]}`)(rw, r)
		})
		embedding := w.later("/api/embed", `{"model":"qwen3:32b","input":"x"}`)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		w.mu.Lock()
		if last := w.signs[len(w.signs)-1]; last.Kind != evidence.SignWaitedLong || last.Model != model {
			w.Errorf("%+v", w.signs)
		}
		w.mu.Unlock()
		text := w.later("/api/chat", chatBody)
		synctest.Wait()
		for _, request := range w.relay.Traffic().InFlight {
			if request.Embeds == request.Streaming {
				w.Errorf("%+v", request)
			}
		}
		close(released)
		<-embedding
		<-text
	})
}
