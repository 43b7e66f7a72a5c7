package ollama

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is one answer of the scripted server to the call of that name.
type exchange struct {
	status int // 0 is 200
	body   string
}

// script is a server that answers each call ("POST /api/generate") with its
// answers in turn, and with the last one from then on.
type script struct {
	*testing.T
	client *Client

	mu      sync.Mutex
	answers map[string][]exchange
	calls   []string
	bodies  []string
}

func serve(t *testing.T, answers map[string][]exchange) *script {
	t.Helper()
	s := &script{T: t, answers: answers}
	server := httptest.NewServer(s)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	s.client = NewClient(base, transport)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return s
}

// one is a script of one answer to one call.
func one(t *testing.T, call string, status int, body string) *script {
	t.Helper()
	return serve(t, map[string][]exchange{call: {{status, body}}})
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	if kind := r.Header.Get("Content-Type"); (kind == "application/json") != (len(body) > 0) || r.UserAgent() != "clawgate" {
		s.Errorf("%s: Content-Type %q, User-Agent %q", call, kind, r.UserAgent())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.bodies = append(s.calls, call), append(s.bodies, string(body))
	answers := s.answers[call]
	if len(answers) == 0 {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	if len(answers) > 1 {
		s.answers[call] = answers[1:]
	}
	if answers[0].status != 0 {
		w.WriteHeader(answers[0].status)
	}
	_, _ = io.WriteString(w, answers[0].body)
}

func (s *script) expectCalls(want ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.calls, want) {
		s.Errorf("it called %q, want %q", s.calls, want)
	}
}

// expectBody compares the body of the call with that number as JSON.
func (s *script) expectBody(call int, want string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got, wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		s.Fatal(err)
	}
	if call >= len(s.bodies) || json.Unmarshal([]byte(s.bodies[call]), &got) != nil || !reflect.DeepEqual(got, wanted) {
		s.Errorf("of the bodies %q number %d should be %s", s.bodies, call, want)
	}
}

func expectError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}
