//go:build e2e

// Package chat tests the chat page in a real browser, Debian's chromium, against
// the page's own handler and a scripted stand-in for the API behind it.
package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/gateway/chat"
)

// service plays the gateway: each request to /api/chat is answered by the next
// turn of the script.
type service struct {
	*httptest.Server
	ready atomic.Bool
	asked chan question

	mu    sync.Mutex
	key   string // demanded where not empty
	turns []turn
}

// turn answers one request to /api/chat.
type turn func(http.ResponseWriter, *http.Request)

// question is one request to /api/chat, as it came in.
type question struct {
	Model    string
	Messages []struct{ Role, Content string }
	at       time.Time
}

func newService(t *testing.T, turns ...turn) *service {
	t.Helper()
	t.Parallel() // each test has a service and a browser of its own
	s := &service{turns: turns, asked: make(chan question, 100)}
	mux := http.NewServeMux()
	mux.Handle("/ui/", chat.Handler())
	mux.Handle("GET /api/tags", s.guarded(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"models":[{"name":"qwen3:8b"},{"name":"llama3.2:3b"}]}`)
	}))
	mux.Handle("POST /api/chat", s.guarded(s.chat))
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *service) guarded(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		key := s.key
		s.mu.Unlock()
		if key != "" && r.Header.Get("Authorization") != "Bearer "+key {
			refuse(http.StatusUnauthorized, "a key is needed")(w, r)
			return
		}
		next(w, r)
	})
}

func (s *service) demand(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

func (s *service) chat(w http.ResponseWriter, r *http.Request) {
	q := question{at: time.Now()}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		refuse(http.StatusBadRequest, err.Error())(w, r)
		return
	}
	s.asked <- q
	s.mu.Lock()
	if len(s.turns) == 0 {
		s.mu.Unlock()
		refuse(http.StatusTeapot, "the script has no more turns")(w, r)
		return
	}
	next := s.turns[0]
	s.turns = s.turns[1:]
	s.mu.Unlock()
	next(w, r)
}

// next gives the next request that came in.
func (s *service) next(t *testing.T) question {
	t.Helper()
	select {
	case q := <-s.asked:
		return q
	case <-time.After(patience):
		t.Fatal("the page sent no request")
		return question{}
	}
}

// say answers with the parts, one chunk each, and ends well.
func say(parts ...string) turn {
	return func(w http.ResponseWriter, _ *http.Request) {
		stream(w, parts...)
		fmt.Fprint(w, `{"message":{"role":"assistant","content":""},"done":true}`+"\n")
	}
}

// think is like say, after some thinking.
func think(thought string, parts ...string) turn {
	return func(w http.ResponseWriter, r *http.Request) {
		line, _ := json.Marshal(map[string]any{"message": map[string]string{"role": "assistant", "content": "", "thinking": thought}})
		fmt.Fprintf(w, "%s\n", line)
		say(parts...)(w, r)
	}
}

// An ending is how an answer breaks off.
type ending func(http.ResponseWriter)

// lose closes the connection in the middle of the answer.
func lose(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// leave ends the answer in order, but without "done".
func leave(http.ResponseWriter) {}

// fail says what Ollama says when its runner dies.
func fail(w http.ResponseWriter) {
	fmt.Fprint(w, `{"error":"llama runner process has terminated: CUDA error"}`+"\n")
}

// breakOff sends the parts and, once seen is closed, ends the answer so. Without
// the wait a browser may drop what came just before a lost connection.
func breakOff(end ending, seen <-chan struct{}, parts ...string) turn {
	return func(w http.ResponseWriter, _ *http.Request) {
		stream(w, parts...)
		<-seen
		end(w)
	}
}

// hang sends the parts and then nothing, until the page goes away; gone is told so.
func hang(gone chan<- struct{}, parts ...string) turn {
	return func(w http.ResponseWriter, r *http.Request) {
		stream(w, parts...)
		<-r.Context().Done()
		gone <- struct{}{}
	}
}

// refuse answers with a status and the gateway's kind of sentence. Headers are
// given as name, value, name, value…
func refuse(status int, sentence string, headers ...string) turn {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		body, _ := json.Marshal(map[string]string{"error": sentence})
		fmt.Fprintf(w, "%s\n", body)
	}
}

func stream(w http.ResponseWriter, parts ...string) {
	for _, part := range parts {
		line, _ := json.Marshal(map[string]any{"message": map[string]string{"role": "assistant", "content": part}, "done": false})
		fmt.Fprintf(w, "%s\n", line)
	}
	http.NewResponseController(w).Flush()
}
