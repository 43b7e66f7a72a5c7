package dockerctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
)

func TestMain(m *testing.M) {
	for _, variable := range []string{"DOCKER_HOST", "DOCKER_API_VERSION", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"} {
		_ = os.Unsetenv(variable) // a developer's own would reach the tests
	}
	goleak.VerifyTestMain(m)
}

const name = "clawgate-ollama"

// fakeEngine answers the calls that a test gives it answers for, as an engine of
// API 1.41 does, and remembers what was asked. It is an http.Handler for tests on
// real sockets and an http.RoundTripper for tests in virtual time.
type fakeEngine struct {
	mu      sync.Mutex
	version string
	answers map[string]http.HandlerFunc // by method and path without version
	asked   []string                    // method, path with version, query
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{version: "1.41", answers: map[string]http.HandlerFunc{}}
}

func (f *fakeEngine) answer(call string, handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = handler
}

func (f *fakeEngine) answerJSON(call string, status int, body any) {
	f.answer(call, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if text, ok := body.(string); ok {
			_, _ = io.WriteString(w, text)
			return
		}
		_ = json.NewEncoder(w).Encode(body)
	})
}

var versionPrefix = regexp.MustCompile(`^/v1\.[0-9]+`)

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + versionPrefix.ReplaceAllString(r.URL.Path, "")
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.URL.RequestURI())
	handler, version := f.answers[call], f.version
	f.mu.Unlock()
	w.Header().Set("Api-Version", version)
	switch {
	case handler != nil:
		handler(w, r)
	case strings.HasSuffix(call, "/_ping"):
		w.WriteHeader(http.StatusOK)
	default:
		http.Error(w, "page not found", http.StatusNotFound)
	}
}

// RoundTrip answers from a goroutine of the handler, through a pipe that the end
// of the request's context closes.
func (f *fakeEngine) RoundTrip(r *http.Request) (*http.Response, error) {
	body, writer := io.Pipe()
	w := &pipedAnswer{header: http.Header{}, body: writer, started: make(chan struct{})}
	stop := context.AfterFunc(r.Context(), func() { _ = writer.CloseWithError(r.Context().Err()) })
	go func() {
		defer stop()
		f.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = writer.Close()
	}()
	select {
	case <-w.started:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Header: w.header, Body: body, Request: r, ContentLength: -1,
	}, nil
}

type pipedAnswer struct {
	header  http.Header
	body    *io.PipeWriter
	once    sync.Once
	status  int
	started chan struct{}
}

func (p *pipedAnswer) Header() http.Header { return p.header }

func (p *pipedAnswer) WriteHeader(status int) {
	p.once.Do(func() { p.status = status; close(p.started) })
}

func (p *pipedAnswer) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// calls returns what was asked, without the pings.
func (f *fakeEngine) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var calls []string
	for _, call := range f.asked {
		if !strings.HasSuffix(call, "/_ping") {
			calls = append(calls, call)
		}
	}
	return calls
}

// wrote says whether anything but a look has been asked for.
func (f *fakeEngine) wrote() bool {
	for _, call := range f.calls() {
		if strings.HasPrefix(call, "POST ") {
			return true
		}
	}
	return false
}

// serve puts the fake on a real socket and returns the container there.
func (f *fakeEngine) serve(t *testing.T) *Container {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return newContainer(t, "tcp://"+server.Listener.Addr().String())
}

// inMemory returns the container on the fake without any socket.
func (f *fakeEngine) inMemory(t *testing.T, options ...Option) *Container {
	t.Helper()
	c := newContainer(t, "tcp://engine:2375", options...)
	c.engine.transport = f
	return c
}

func newContainer(t *testing.T, host string, options ...Option) *Container {
	t.Helper()
	c, err := New(host, name, slog.New(slog.DiscardHandler), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

var (
	startedAt = time.Date(2026, 7, 1, 10, 0, 0, 123456789, time.UTC)
	judged    = evidence.Identity{ID: strings.Repeat("a1", 32), StartedAt: startedAt}
)

// inspection is an engine's answer for the judged run in the given status.
func inspection(status evidence.Status) map[string]any {
	return map[string]any{
		"Id": judged.ID, "Name": "/" + name,
		"State": map[string]any{
			"Status": status, "StartedAt": startedAt.Format(time.RFC3339Nano), "FinishedAt": "0001-01-01T00:00:00Z",
		},
	}
}

func missing() string {
	return fmt.Sprintf(`{"message":"No such container: %s"}`, name)
}
