package relay

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnswersTokensAreCapped(t *testing.T) {
	long, blanks := `{"model":"qwen3:32b","prompt":"`+strings.Repeat("x", 50000)+`"}`, strings.Repeat(" ", 20000)
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
		"called encoded":    {100, "/api/generate", `{"model":"m","prompt":"x"}`, []string{"Content-Encoding", "zstd"}, `{"model":"m","prompt":"x","options":{"num_predict":100}}`},
		"called identity":   {100, "/v1/completions", `{"model":"m","prompt":"x"}`, []string{"Content-Encoding", "identity"}, `{"model":"m","prompt":"x","max_tokens":100}`},
		"after blanks":      {100, "/api/generate", blanks + `{"model":"m","prompt":"x"}`, nil, blanks + `{"model":"m","prompt":"x","options":{"num_predict":100}}`},
		"a padded name":     {100, "/api/generate", `{"model":"` + blanks + `m","prompt":"x"}`, nil, `{"model":"` + blanks + `m","prompt":"x","options":{"num_predict":100}}`},
		"not JSON":          {100, "/api/generate", `{"model":"m","prompt":`, nil, ""}, // Ollama says what is wrong with it
		"large vectors":     {100, "/api/embed", long, nil, ""},
		"no cap for a form": {0, "/v1/audio/transcriptions", "--x\r\n", []string{"Content-Type", "multipart/form-data; boundary=x"}, ""},
		"not inference":     {100, "/api/create", `{"model":"m","prompt":"x"}`, nil, ""},
		"an unload":         {100, "/api/generate", `{"model":"m","keep_alive":0}`, nil, ""},
		"of unknown length": {100, "/api/generate", `{"model":"m","prompt":"x"}`, []string{"Transfer-Encoding", "chunked"}, `{"model":"m","prompt":"x","options":{"num_predict":100}}`},
	} {
		inWorld(t, func(config *Config) { config.MaxTokens, config.ReplayMaxBytes = c.most, 40000 }, func(w *world) {
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

func TestNoFormOfARequestLiftsTheCap(t *testing.T) {
	frame := "\x28\xb5\x2f\xfd\x00\x58" + `{"model":"m"}`
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		status     int
	}{
		"encoded":               {"/v1/chat/completions", frame, []string{"Content-Encoding", "zstd"}, 415},
		"encoded, by nothing":   {"/api/generate", frame, []string{"Content-Encoding", "x"}, 415},
		"a form":                {"/v1/audio/transcriptions", "--x\r\n", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		"large":                 {"/api/generate", `{"model":"m","prompt":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413},
		"after 8 MiB of blanks": {"/api/generate", strings.Repeat(" ", 8<<20) + `{"model":"m","prompt":"x"}`, nil, 413},
	} {
		inWorld(t, func(c *Config) { c.MaxTokens = 100 }, func(w *world) {
			for _, body := range []io.Reader{strings.NewReader(c.body), io.MultiReader(strings.NewReader(c.body))} { // chunked, too
				got := w.do(w.Context(), c.path, body, c.headers...)
				// A client that is still writing may see the connection closed instead.
				if got.err == nil && (got.status != c.status || !strings.Contains(got.body, "CLAWGATE_MAX_TOKENS")) {
					w.Errorf("%s: %d %q", name, got.status, got.body)
				}
			}
			time.Sleep(2 * time.Minute) // the rest of a body is read for a while
			synctest.Wait()
			if w.codes[c.status] != 2 || w.reached() != 0 {
				w.Errorf("%s: %v, %d reached Ollama", name, w.codes, w.reached())
			}
		})
	}
}

func TestALackOfRoomIsNoFaultOfTheRequest(t *testing.T) {
	large := `{"model":"m","prompt":"` + strings.Repeat("x", 200<<10) + `"}`
	inWorld(t, func(c *Config) { c.MaxTokens, c.BufferMaxBytes = 100, 400<<10 }, func(w *world) {
		release, first := make(chan struct{}), make(chan reply)
		w.ollama(func(writer http.ResponseWriter, request *http.Request) { <-release; chat("hi")(writer, request) })
		go func() { first <- w.post("/api/generate", large) }()
		synctest.Wait()
		got := w.post("/api/generate", large)
		if got.err == nil && (got.status != 503 || got.header.Get("Retry-After") == "") || w.counted(w.refused, "memory") != 1 {
			w.Errorf("%+v, refused %v", got, w.refused)
		}
		close(release)
		if got := <-first; got.status != 200 {
			w.Errorf("%+v", got)
		}
	})
	inWorld(t, func(c *Config) { c.MaxTokens, c.BufferMaxBytes = 100, 100<<10 }, func(w *world) {
		if got := w.post("/api/generate", large); got.status != 413 || !strings.Contains(got.body, "CLAWGATE_BUFFER_MAX_BYTES") {
			w.Errorf("what no room would ever hold: %+v", got)
		}
	})
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
