package sidecar_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

// only lets handler answer for one path, and the real server for all others.
func only(s *scenario, path string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			handler(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}
}

func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func halfAChunk(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, `{"message":{"content":"hel`)
	panic(http.ErrAbortHandler)
}

// tenMegabytes answers with one line of that length, and no end.
func tenMegabytes(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, `{"message":{"content":"`)
	text := strings.Repeat("x", 1<<20)
	for range 10 {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "\"}}\n")
}

func nothing(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Something odd answers in Ollama's place. There is a verdict, never a panic,
// and never an open gate. What answers is not restarted for it.
func TestOddAnswersFromTheStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		path    string // empty for all
		handler http.HandlerFunc
		restart bool // no answer ever comes to its end
	}{
		{"garbage everywhere", "", says(200, "\x00\xff<html>hello</html>"), false},
		{"errors everywhere", "", says(500, "internal error"), false},
		{"a login page", "", says(401, `{"error":"who are you?"}`), false},
		{"a redirect", "", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere/", http.StatusFound)
		}, false},
		{"half a list of models", "/api/ps", says(200, `{"models":[{"name":"`), false},
		{"half a list of models, again and again", "", halfAChunk, true},
		{"nothing at all", "", nothing, true},
		{"no list of loaded models", "/api/ps", nothing, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) {
				handler := test.handler
				if test.path != "" {
					handler = only(s, test.path, handler)
				}
				s.odd.inPlace(handler)
			}}, func(s *scenario) {
				for range 20 {
					time.Sleep(time.Minute)
					if s.log.state() == policy.Ready || s.ready() {
						s.Fatal("the gate is open")
					}
					if s.verdict().Sentence == "" {
						s.Error("there is a verdict without a sentence")
					}
				}
				s.chat(3).refused()
				if restarted := s.engine.count("stop") > 0; restarted != test.restart {
					s.Errorf("restarted: %v, want %v; remedies %q", restarted, test.restart, s.engine.taken())
				}
				if !test.restart {
					s.odd.inPlace(nil)
					s.reaches(policy.Ready, 2*time.Minute)
					s.chat(3).complete()
				}
			})
		})
	}
}

func TestEndlessLinesAreReadInBoundedMemory(t *testing.T) {
	t.Parallel()
	play(t, setup{before: func(s *scenario) { s.odd.inPlace(tenMegabytes) }}, func(s *scenario) {
		time.Sleep(30 * time.Second)
		if s.log.state() == policy.Ready || s.ready() {
			s.Error("the gate is open")
		}
		s.odd.inPlace(nil)
		s.reaches(policy.Ready, time.Minute)
		s.remedies()
	})
}

// The model alone answers oddly. Nothing tells that from a broken runner, so
// that the ladder may be climbed, within the budget.
func TestModelThatAnswersOddlyIsNeverReady(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"garbage":       says(200, "\x00\xff\xfe not json\n"),
		"an empty body": says(200, ""),
		"empty chunks":  says(200, strings.Repeat(`{"message":{"content":""},"done":false}`+"\n", 50)),
		"half a chunk":  halfAChunk,
		"its own error": says(500, `{"error":"something went wrong"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) { s.odd.inPlace(only(s, "/api/chat", handler)) }}, func(s *scenario) {
				for range 30 {
					time.Sleep(time.Minute)
					if s.log.state() == policy.Ready || s.ready() {
						s.Fatal("the gate is open")
					}
				}
				if n := s.engine.count("stop"); n > 3 {
					s.Errorf("%d restarts, the budget is 3", n)
				}
				s.odd.inPlace(nil)
				s.reaches(policy.Ready, 10*time.Minute)
				s.chat(3).complete()
			})
		})
	}
}

func TestOddAnswerToAClientNeverLooksComplete(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		for name, handler := range map[string]http.HandlerFunc{
			"a line of ten megabytes": tenMegabytes, "half a chunk": halfAChunk, "garbage": says(200, "\xff\x00"),
			"no end": says(200, `{"response":"hello","done":false}`+"\n"),
		} {
			s.odd.inPlace(only(s, "/api/generate", handler))
			if c := s.post("/api/generate", generate(other, 3)).wait(); c.err == nil && c.status == http.StatusOK {
				s.Errorf("%s looks complete: %s", name, c)
			}
		}
		s.odd.inPlace(nil)
		s.chat(3).complete()
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}
