package sidecar_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// crowd are clients that ask again and again, each as soon as it has its answer
// and has read it. They are willing to wait for two minutes, and one that is
// refused comes back when it was told to.
type crowd struct {
	s *scenario
	// reads is the time from an answer to the next question.
	reads time.Duration
	ends  []func()
	quiet bool // what ends from now on is the crowd's own doing

	mu    sync.Mutex
	open  map[*call]bool
	tally tally
}

// tally is what became of the requests of a crowd.
type tally struct {
	served int // complete
	failed int // not a byte, and an error
	cut    int // ended with an error after the first byte
}

func (t tally) String() string {
	return fmt.Sprintf("%d served, %d failed, %d cut", t.served, t.failed, t.cut)
}

// crowdTokens are more than a model that says one symbol over and over is let say.
const crowdTokens = 32

// gather makes a crowd of nobody.
func (s *scenario) gather(reads time.Duration) *crowd {
	c := &crowd{s: s, reads: reads, open: map[*call]bool{}}
	s.closers = append(s.closers, func() { c.leave() })
	return c
}

// rush is the usual load: four clients of the main model and one of the other.
func (s *scenario) rush() *crowd {
	c := s.gather(2 * time.Second)
	for range 4 {
		c.join(model)
	}
	c.join(other)
	return c
}

// join adds one client of the model, who never asks the same twice.
func (c *crowd) join(name string) {
	time.Sleep(137 * time.Millisecond) // no two clients ask at the same instant
	var pause time.Duration
	n := 0
	c.ends = append(c.ends, c.s.every(c.reads, func() {
		if pause -= c.reads; pause > 0 {
			return
		}
		n++
		asked := c.s.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":"question %d","options":{"num_predict":%d}}`, name, n, crowdTokens), "Prefer", "wait=120")
		if c.follow(asked) {
			pause = c.count(asked.wait())
		}
	}))
}

func (c *crowd) follow(asked *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quiet {
		asked.cancel()
		return false
	}
	c.open[asked] = true
	return true
}

// count sorts an answer in, and says how long its client stays away.
func (c *crowd) count(asked *call) (pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, asked)
	switch {
	case c.quiet:
	case asked.failed != nil || asked.status != http.StatusOK:
		c.tally.failed++
		seconds, _ := strconv.Atoi(asked.header.Get("Retry-After"))
		return time.Duration(max(3, seconds)) * time.Second
	case asked.err != nil || strings.Contains(asked.body, `"error"`):
		c.tally.cut++
	default:
		c.tally.served++
		if reason := asked.wrong(); reason != "" {
			c.s.Errorf("an answer looks complete, and %s: %s", reason, asked)
		}
	}
	return 0
}

// moving says that an answer has just gone on.
func (c *crowd) moving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for asked := range c.open {
		if time.Since(time.Unix(0, asked.heard.Load())) < time.Second {
			return true
		}
	}
	return false
}

// wrong says why an answer that ended well is not one.
func (c *call) wrong() string {
	lines := bytes.Split(bytes.TrimSpace([]byte(c.body)), []byte("\n"))
	var last struct {
		Done  bool `json:"done"`
		Count int  `json:"eval_count"`
	}
	if json.Unmarshal(lines[len(lines)-1], &last) != nil || !last.Done {
		return "has no end"
	}
	if n := len(lines) - 1; n > 0 && n != last.Count {
		return fmt.Sprintf("has %d tokens of %d", n, last.Count)
	}
	return ""
}

// recount begins to count anew, and returns what was counted so far.
func (c *crowd) recount() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.tally
	c.tally = tally{}
	return before
}

// leave ends the crowd. Requests that are open are called off and not counted.
func (c *crowd) leave() tally {
	c.mu.Lock()
	c.quiet = true
	for asked := range c.open {
		asked.cancel()
	}
	c.mu.Unlock()
	for _, end := range c.ends {
		end()
	}
	return c.recount()
}
