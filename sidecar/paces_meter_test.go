package sidecar_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostAMinute is how often Clawgate does each thing in a minute at most, whatever the
// world answers: what sidecar/pace.go allows at once, and what a minute adds to it.
// docs/decisions.md has the same figures.
var mostAMinute = map[string]int{
	"load":     6 + 6,
	"pull":     3 + 1,
	"probe":    10 + 120,
	"ps":       (10 + 120 + 12) * sentAgain,       // with each probe, and where none is due
	"tags":     (woken + 12) * sentAgain,          // every five seconds, and when woken
	"version":  (woken+12)*sentAgain + 20*60,      // with the list until it is known; while a server is started
	"show":     10 + 120 + 2*(6+6) + mostRemedies, // whose weights a runner has; what parameters a model has
	"create":   6 + 6,                             // CLAWGATE_OPTIONS, before a load
	"unload":   mostRemedies * 16,                 // one model each, or all that make room
	"inspect":  woken + 6 + 4*mostRemedies,        // every ten seconds, when woken, and around a stop
	"stats":    30 + 1,                            // every two seconds
	"GPU":      30 + 1 + 4*mostRemedies + 60,      // so too, and while a container is stopped
	"logs":     woken + 6,                         // every ten seconds until they tell something
	"top":      10 + 120 + 20*mostRemedies,        // with each probe, and until a runner is gone
	"write":    2 * mostRemedies,                  // a stop and a start
	"remedy":   mostRemedies,
	"turn":     2 * (6 + 6), // there and back
	"log line": 500,         // of ten places at the most that the log lets one have
}

const (
	// woken is how often a worker is woken.
	woken        = 10 + 30 + 1
	mostRemedies = 6 + 2
	// sentAgain: net/http itself sends a GET again that an idle connection did not take.
	sentAgain = 2
)

// tallyOfMinutes counts what Clawgate does by itself.
type tallyOfMinutes struct {
	began time.Time

	mu     sync.Mutex
	minute int
	counts map[string]int
	most   map[string]int // in any minute so far
	excess string
}

func newTally() *tallyOfMinutes {
	return &tallyOfMinutes{began: time.Now(), counts: map[string]int{}, most: map[string]int{}}
}

func (m *tallyOfMinutes) count(kind string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if minute := int(time.Since(m.began) / time.Minute); minute != m.minute {
		m.minute = minute
		clear(m.counts)
	}
	m.counts[kind]++
	m.most[kind] = max(m.most[kind], m.counts[kind])
	most, known := mostAMinute[kind]
	if m.excess == "" && (!known || m.counts[kind] > most) {
		m.excess = fmt.Sprintf("after %s: more than %d times %q in a minute", time.Since(m.began), most, kind)
	}
}

// exceeded is the first bound that was exceeded; empty while none was.
func (m *tallyOfMinutes) exceeded() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.excess
}

func (m *tallyOfMinutes) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var told []string
	for kind, most := range mostAMinute {
		told = append(told, fmt.Sprintf("%s %d of %d", kind, m.most[kind], most))
	}
	slices.Sort(told)
	return strings.Join(told, ", ")
}

// ofItsOwn says what a call to Ollama is, if it is one of Clawgate's own; empty for a
// client's. The body can be read again.
func ofItsOwn(r *http.Request) string {
	if r.UserAgent() != "clawgate" {
		return ""
	}
	body, _ := io.ReadAll(r.Body) // of a pipe in memory
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked struct {
		Prompt    string `json:"prompt"`
		KeepAlive any    `json:"keep_alive"`
	}
	_ = json.Unmarshal(body, &asked) // a GET has none
	switch call := r.URL.Path; {
	case call == "/api/generate" && asked.KeepAlive == 0.0:
		return "unload"
	case call == "/api/generate" && asked.Prompt == "":
		return "load"
	case call == "/api/generate", call == "/api/chat":
		return "probe"
	default:
		return strings.TrimPrefix(call, "/api/")
	}
}

// measure counts all that the sidecar does from now on. A call takes two milliseconds,
// as one to a real server does: without them what spins would stop virtual time.
func (s *scenario) measure() *tallyOfMinutes {
	return s.measureOdd(s.ServeHTTP, func(string) error { return nil })
}

// measureOdd does so where something else answers in the server's or the engine's place.
func (s *scenario) measureOdd(answer http.HandlerFunc, refuse func(call string) error) *tallyOfMinutes {
	tally := newTally()
	s.odd.inPlace(func(w http.ResponseWriter, r *http.Request) {
		if kind := ofItsOwn(r); kind != "" {
			tally.count(kind)
			select {
			case <-time.After(2 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		answer(w, r)
	})
	s.engine.asked = func(call string) error {
		tally.count(call)
		time.Sleep(2 * time.Millisecond)
		return refuse(call)
	}
	s.log.heard = func(n note) {
		tally.count("log line")
		switch n.message {
		case "taking a remedy":
			tally.count("remedy")
		case "the readiness probe looks at another model":
			tally.count("turn")
		}
	}
	return tally
}

// keepsPace waits, and fails the scenario as soon as a bound is exceeded.
func (s *scenario) keepsPace(tally *tallyOfMinutes, d time.Duration) {
	s.Helper()
	for began := time.Now(); time.Since(began) < d; time.Sleep(time.Second) {
		if excess := tally.exceeded(); excess != "" {
			s.Fatal(excess)
		}
	}
}
