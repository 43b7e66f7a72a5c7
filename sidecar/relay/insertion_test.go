package relay

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestAnAnswersTokensAreCapped(t *testing.T) {
	long := `{"model":"qwen3:32b","prompt":"` + strings.Repeat("x", 5000) + `"}`
	for name, c := range map[string]struct {
		most       int
		path, body string
		headers    []string
		want       string
	}{
		"unbounded":         {100, "/api/generate", `{"model":"m","prompt":"x"}`, nil, `{"model":"m","prompt":"x","options":{"num_predict":100}}`},
		"OpenAI's":          {100, "/v1/chat/completions", `{"model":"m","max_tokens":200}`, nil, `{"model":"m","max_tokens":200,"max_tokens":100}`},
		"small enough":      {100, "/v1/chat/completions", `{"model":"m","max_tokens":99}`, nil, ""},
		"no cap":            {0, "/api/generate", `{"model":"m","prompt":"x"}`, nil, ""},
		"a body not held":   {100, "/api/generate", long, nil, ""},
		"an encoded body":   {100, "/api/generate", `{"model":"m","prompt":"x"}`, []string{"Content-Encoding", "zstd"}, ""},
		"not inference":     {100, "/api/create", `{"model":"m","prompt":"x"}`, nil, ""},
		"an unload":         {100, "/api/generate", `{"model":"m","keep_alive":0}`, nil, ""},
		"of unknown length": {100, "/api/generate", `{"model":"m","prompt":"x"}`, []string{"Transfer-Encoding", "chunked"}, `{"model":"m","prompt":"x","options":{"num_predict":100}}`},
	} {
		inWorld(t, func(config *Config) { config.MaxTokens, config.ReplayMaxBytes = c.most, 4096 }, func(w *world) {
			var length int64
			w.ollama(func(writer http.ResponseWriter, request *http.Request) {
				length = request.ContentLength
				chat("hi")(writer, request)
			})
			var body io.Reader = strings.NewReader(c.body)
			if slices.Contains(c.headers, "chunked") {
				body, c.headers = io.MultiReader(body), nil
			}
			if got := w.do(w.Context(), c.path, body, c.headers...); got.status != 200 || got.err != nil {
				w.Errorf("%s: %d %q %v", name, got.status, got.body, got.err)
			}
			if c.want == "" {
				c.want = c.body
			}
			if len(w.served) != 1 || w.served[0] != c.want || length != int64(len(c.want)) {
				w.Errorf("%s: Ollama got %.200q of length %d", name, w.served, length)
			}
		})
	}
}

func TestARequestThatIsSentAgainIsCappedAgain(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxTokens = 100 }, func(w *world) {
		w.ollama(func(http.ResponseWriter, *http.Request) { w.ollama(chat("again")); panic(http.ErrAbortHandler) })
		if got := w.post("/api/generate", `{"model":"m","prompt":"x"}`); got.status != 200 || got.err != nil {
			w.Errorf("%d %q %v", got.status, got.body, got.err)
		}
		const want = `{"model":"m","prompt":"x","options":{"num_predict":100}}`
		if !slices.Equal(w.served, []string{want, want}) {
			w.Errorf("Ollama got %q", w.served)
		}
	})
}
