package probe

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	model    = "qwen3:32b"
	oneToken = `{"message":{"role":"assistant","content":"hi"},"done":false}` + "\n" +
		`{"message":{"role":"assistant","content":""},"done":true,"done_reason":"length","eval_count":1}` + "\n"
)

// world is a scripted Ollama on net/http's own server over pipes, in virtual time.
type world struct {
	*testing.T
	client *ollama.Client

	pipes   chan net.Conn
	dialErr error // when set, no connection can be made

	list http.HandlerFunc // GET /api/ps
	tags http.HandlerFunc // GET /api/tags
	ask  http.HandlerFunc // all else

	mu     sync.Mutex
	calls  []string         // paths, in order
	asked  []map[string]any // bodies of what was asked
	gone   int              // requests whose client went away before the answer
	loaded []evidence.LoadedModel
	late   []string // what overdue said
}

// inWorld runs a test in a bubble. The model is loaded and answers at once, until
// the test says otherwise.
func inWorld(t *testing.T, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, pipes: make(chan net.Conn)}
		w.list = says(200, `{"models":[{"name":"Qwen3:32B","size":7,"context_length":4096}]}`)
		w.tags = says(200, `{"models":[{"name":"qwen3:32b"},{"name":"llama3:latest"}]}`)
		w.ask = says(200, oneToken)
		server := &http.Server{Handler: w, ErrorLog: log.New(io.Discard, "", 0)}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = server.Serve(w) }()
		transport := &http.Transport{DialContext: w.dial, DisableCompression: true}
		w.client = ollama.NewClient(&url.URL{Scheme: "http", Host: "ollama:11434"}, transport)
		run(w)
		transport.CloseIdleConnections()
		_ = server.Close()
		<-ended
		time.Sleep(time.Second) // net/http lingers half a second after refusing a body
	})
}

func (w *world) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	if w.dialErr != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: w.dialErr}
	}
	near, far := net.Pipe()
	select {
	case w.pipes <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is its server's listener.
func (w *world) Accept() (net.Conn, error) {
	if conn, open := <-w.pipes; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (w *world) Close() error   { close(w.pipes); return nil }
func (w *world) Addr() net.Addr { return &net.TCPAddr{} }

func (w *world) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	text, _ := io.ReadAll(request.Body)
	w.mu.Lock()
	w.calls = append(w.calls, request.URL.Path)
	handler := w.ask
	switch request.URL.Path {
	case "/api/ps":
		handler = w.list
	case "/api/tags":
		handler = w.tags
	default:
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil {
			w.Errorf("the probe sent %q: %v", text, err)
		}
		w.asked = append(w.asked, body)
	}
	w.mu.Unlock()
	handler(writer, request)
	if request.Context().Err() != nil {
		w.mu.Lock()
		w.gone++
		w.mu.Unlock()
	}
}

// Answers of the scripted server.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func after(pause time.Duration, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(pause):
			then(w, r)
		case <-r.Context().Done():
		}
	}
}

// never is a frozen server: it accepts, and says nothing.
func never(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// cutAfter sends the beginning of an answer and drops the connection.
func cutAfter(beginning string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, beginning)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// forEver repeats a line until the client has had enough.
func forEver(line string) http.HandlerFunc {
	many := strings.Repeat(line, 1000)
	return func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, many); err != nil {
				return
			}
		}
	}
}

func spec() ReadySpec {
	return ReadySpec{
		Path: "/api/chat", Prompt: "say hi", Model: model, FirstChunk: 3 * time.Second, ListTimeout: 8 * time.Second,
		Options: func(evidence.LoadedModel) ollama.RunnerOptions { return nil },
	}
}

func (w *world) ready(ctx context.Context, spec ReadySpec) evidence.ProbeResult {
	result, rest := Ready(ctx, w.client, spec,
		func(s Sighting) { w.mu.Lock(); defer w.mu.Unlock(); w.loaded = s.Loaded },
		func(waitsFor string) { w.mu.Lock(); defer w.mu.Unlock(); w.late = append(w.late, waitsFor) })
	rest()
	return result
}

func (w *world) expectCalls(want ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.calls, want) {
		w.Errorf("it called %q, want %q", w.calls, want)
	}
}

func (w *world) expectLate(want ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.late, want) {
		w.Errorf("overdue said %q, want %q", w.late, want)
	}
}

var errRefused = syscall.ECONNREFUSED
