package sidecar_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// liar is a server that is well and answers clients as somebody pleases: with any
// error text, status or end. What is asked of it is done all the same, or not at all.
type liar struct {
	*scenario
	random *rand.Rand
	open   calls
}

// calls are those that have been made, until all are to end.
type calls struct {
	mu   sync.Mutex
	made []*call
	over bool
}

// take is false, and ends the call, when all are to end.
func (c *calls) take(made *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		made.cancel()
	}
	c.made = append(c.made, made)
	return !c.over
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, made := range c.made {
		made.cancel()
	}
}

// ollamasOwn are whole sentences of Ollama's, and what clients write that looks like
// them.
var ollamasOwn = []string{
	"model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details",
	"llama runner process has terminated: signal: killed", "llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory",
	"an error was encountered while running the model: unexpected EOF", "an error was encountered while running the model: CUDA error: out of memory",
	"connection refused", "model requires more system memory (21.0 GiB) than is available (8.0 GiB)",
	"server busy, please try again.  maximum pending requests exceeded", "llama runner process no longer running: -1 ",
	`invalid format: "process has terminated"; expected "json" or a valid JSON Schema object`, "something else", "",
}

// said is how a liar's clients are told from Clawgate's own requests.
const said = `"system":"lie"`

// ServeHTTP does what is asked, and tells clients what it likes.
func (l *liar) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	lie := strings.Index(string(body), said)
	if lie < 0 {
		l.World.ServeHTTP(w, r)
		return
	}
	var choice struct {
		Does, Says, Status, Pieces int
	}
	_ = json.Unmarshal(body, &choice)
	text, _ := json.Marshal(map[string]string{"error": ollamasOwn[choice.Says%len(ollamasOwn)]})
	talk := func() {}
	if choice.Status == http.StatusOK {
		w.Header().Set("Content-Type", "application/x-ndjson")
		talk = sync.OnceFunc(func() {
			for range choice.Pieces {
				_, _ = io.WriteString(w, `{"message":{"content":"hello"},"done":false}`+"\n")
				_ = http.NewResponseController(w).Flush()
			}
		})
	}
	if choice.Does == 1 {
		l.World.ServeHTTP(overheard{httptest.NewRecorder(), talk}, r)
	}
	if choice.Status == http.StatusOK && choice.Says%5 == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(choice.Status)
	_, _ = w.Write(append(text, '\n'))
}

// overheard talks when the model begins to: no token comes of nothing, or of an error.
type overheard struct {
	*httptest.ResponseRecorder
	talk func()
}

func (o overheard) Write(p []byte) (int, error) {
	if o.Code == http.StatusOK && !bytes.Contains(p, []byte(`"error"`)) {
		o.talk()
	}
	return o.ResponseRecorder.Write(p)
}
