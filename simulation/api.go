package simulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serve answers one request, as soon as the process moves.
func (s *server) serve(rw http.ResponseWriter, r *http.Request) {
	w := s.world
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	w.tasks.Add(1)
	w.settle()
	w.meter.cpu += requestCPU
	w.meter.rx += uint64(max(r.ContentLength, 0)) + 200
	w.mu.Unlock()
	defer w.tasks.Done()

	began := time.Now()
	out := &reply{server: s, rw: rw, openAI: strings.HasPrefix(r.URL.Path, "/v1/")}
	out.moving()
	if s.discovery.pass(s.ctx) != nil { //nolint:contextcheck // the search lasts as long as the server wants, not the request
		panic(http.ErrAbortHandler)
	}
	s.route(out, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logLine(fmt.Sprintf("[GIN] %s | %d | %s | 127.0.0.1 | %s %q",
		w.now().UTC().Format("2006/01/02 - 15:04:05"), out.status, time.Since(began).Round(time.Microsecond), r.Method, r.URL.Path))
}

func (s *server) route(out *reply, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch method + " " + r.URL.Path {
	case "GET /":
		out.text(http.StatusOK, "text/plain; charset=utf-8", "Ollama is running")
	case "GET /api/version":
		out.json(http.StatusOK, map[string]any{"version": s.world.config.Version})
	case "GET /api/tags":
		out.json(http.StatusOK, s.tags())
	case "GET /api/ps":
		s.ps(out, r)
	case "GET /v1/models":
		out.json(http.StatusOK, s.openAIModels())
	default:
		s.post(out, r)
	}
}

func (s *server) post(out *reply, r *http.Request) {
	if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/blobs/sha256:") {
		s.keepBlob(out, r)
		return
	}
	handler := map[string]func(*reply, *http.Request, *request){
		"POST /api/chat": s.chat, "POST /api/generate": s.generate,
		"POST /api/embed": s.embed, "POST /api/embeddings": s.embed,
		"POST /api/show": s.show, "POST /api/create": s.create, "POST /api/pull": s.pull,
		"POST /api/copy": s.copied, "DELETE /api/delete": s.remove,
		"POST /v1/chat/completions": s.openAIChat, "POST /v1/embeddings": s.openAIEmbed,
	}[r.Method+" "+r.URL.Path]
	if handler == nil {
		out.text(http.StatusNotFound, "text/plain", "404 page not found")
		return
	}
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		if errors.Is(err, io.EOF) && !out.openAI {
			err = errors.New("missing request body")
		}
		out.refuse(err.Error())
		return
	}
	handler(out, r, &asked)
}

// request is the union of what the calls read from a body.
type request struct {
	Model    string `json:"model"`
	Name     string `json:"name"` // older clients' word for it
	Prompt   string `json:"prompt"`
	Messages []struct {
		Content any `json:"content"`
	} `json:"messages"`
	Input      any                        `json:"input"`
	Stream     *bool                      `json:"stream"`
	Think      *bool                      `json:"think"`
	Options    map[string]json.RawMessage `json:"options"`
	KeepAlive  *keepAlive                 `json:"keep_alive"`
	From       string                     `json:"from"`
	Parameters map[string]any             `json:"parameters"`
	System     string                     `json:"system"`
	Adapters   map[string]string          `json:"adapters"`
	Shift      *bool                      `json:"shift"`
	MaxTokens  int                        `json:"max_tokens"`
	// Source and Destination are those of a copy.
	Source      string `json:"source"`
	Destination string `json:"destination"`
}

func (r *request) model() string {
	if r.Model == "" {
		return r.Name
	}
	return r.Model
}

// text is all that the request asks the model to read.
func (r *request) text() string {
	text := r.Prompt
	for _, message := range r.Messages {
		text += fmt.Sprint(message.Content)
	}
	if r.Input != nil {
		text += fmt.Sprint(r.Input)
	}
	return text
}

// limit is how many tokens the client wants at most; 0 when it does not say.
func (r *request) limit() int {
	asked := r.MaxTokens
	if text, ok := r.Options["num_predict"]; ok {
		asked, _ = strconv.Atoi(string(text)) // a wrong one asks for the default
	}
	return max(0, asked)
}

// keepAlive reads Ollama's forms: a number of seconds or a duration; negative
// is for ever.
type keepAlive time.Duration

func (k *keepAlive) UnmarshalJSON(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	var d time.Duration
	switch value := value.(type) {
	case float64:
		d = time.Duration(value * float64(time.Second))
	case string:
		var err error
		if d, err = time.ParseDuration(value); err != nil {
			return err
		}
	default:
		return fmt.Errorf("Unsupported type: '%T'", value) // Ollama's own words
	}
	if d < 0 {
		d = forever
	}
	*k = keepAlive(d)
	return nil
}

// duration is nil when the request has no keep_alive.
func (k *keepAlive) duration() *time.Duration { return (*time.Duration)(k) }
