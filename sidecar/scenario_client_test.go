package sidecar_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
)

// call is one request of a client, while it is served and after.
type call struct {
	s      *scenario
	cancel context.CancelFunc
	begun  time.Time
	first  chan struct{} // closed with the first piece of the answer
	done   chan struct{}
	heard  atomic.Int64 // when a piece came last, in Unix nanoseconds

	// Set when done is closed.
	status int // 0 when there was no answer
	header http.Header
	body   string
	err    error // how the answer ended, nil for well
	ended  time.Time
	failed error // why there was no answer
}

// body is a chat with the model for an answer of so many tokens. more are
// further fields, each with a comma before it.
func chat(tokens int, more ...string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello"}],"options":{"num_predict":%d}%s}`,
		model, tokens, strings.Join(more, ""))
}

func generate(name string, tokens int) string {
	return fmt.Sprintf(`{"model":%q,"prompt":"hello","options":{"num_predict":%d}}`, name, tokens)
}

// post sends a request through the relay. headers are names and values in turn.
func (s *scenario) post(path, body string, headers ...string) *call {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://relay"+path, strings.NewReader(body))
	s.must(err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	c := &call{s: s, cancel: cancel, begun: time.Now(), first: make(chan struct{}), done: make(chan struct{})}
	go c.run(s.clients, request)
	return c
}

func (s *scenario) chat(tokens int, more ...string) *call {
	s.Helper()
	return s.post("/api/chat", chat(tokens, more...))
}

func (c *call) run(client *http.Client, request *http.Request) {
	defer close(c.done)
	defer c.cancel()
	response, err := client.Do(request)
	if err != nil {
		c.failed, c.ended = err, time.Now()
		return
	}
	defer response.Body.Close()
	c.status, c.header = response.StatusCode, response.Header
	var text strings.Builder
	piece := make([]byte, 4096)
	for err == nil {
		var n int
		n, err = response.Body.Read(piece)
		c.heard.Store(time.Now().UnixNano())
		if n > 0 && c.status == http.StatusOK {
			c.s.heard.Store(time.Now().UnixNano())
		}
		if n > 0 && text.Len() == 0 {
			close(c.first)
		}
		text.Write(piece[:n])
	}
	if !errors.Is(err, io.EOF) {
		c.err = err
	}
	c.body, c.ended = text.String(), time.Now()
}

// begins waits for the first piece of the answer.
func (c *call) begins() {
	c.s.Helper()
	select {
	case <-c.first:
	case <-c.done:
		c.s.Fatalf("a request ended without an answer: %s", c)
	}
}

// wait waits for the end of the answer.
func (c *call) wait() *call {
	<-c.done
	return c
}

func (c *call) String() string {
	if c.failed != nil {
		return "no answer: " + c.failed.Error()
	}
	tail := c.body[max(0, len(c.body)-200):]
	return fmt.Sprintf("status %d after %s, %d bytes, ended with %v, last: %s", c.status, c.ended.Sub(c.begun), len(c.body), c.err, tail)
}

// complete waits for a full answer, and checks that it is one.
func (c *call) complete() *call {
	c.s.Helper()
	c.wait()
	if c.status != http.StatusOK || c.err != nil || c.failed != nil || !strings.Contains(c.body, `"done":true`) || strings.Contains(c.body, `"error"`) {
		c.s.Errorf("a request was not answered: %s", c)
	}
	return c
}

// refused waits for the relay's 503 and returns both of its estimates.
func (c *call) refused() (retryAfter, estimate time.Duration) {
	c.s.Helper()
	c.wait()
	if c.status != http.StatusServiceUnavailable || c.header.Get("Clawgate-State") == "" || !strings.Contains(c.body, `"error"`) {
		c.s.Errorf("a request was not refused: %s", c)
		return 0, 0
	}
	seconds, err := strconv.Atoi(c.header.Get("Retry-After"))
	c.s.must(err)
	millis, err := strconv.Atoi(c.header.Get("Retry-After-Ms"))
	c.s.must(err)
	return time.Duration(seconds) * time.Second, time.Duration(millis) * time.Millisecond
}

// cut waits for an answer that ended with an error line and an aborted
// connection.
func (c *call) cut() {
	c.s.Helper()
	c.wait()
	lines := strings.Split(strings.TrimSpace(c.body), "\n")
	if c.status != http.StatusOK || c.err == nil || !strings.Contains(lines[len(lines)-1], `"error"`) || strings.Contains(c.body, `"done":true`) {
		c.s.Errorf("an answer was not cut: %s", c)
	}
}

// isOpen checks that the request has not ended.
func (c *call) isOpen() {
	c.s.Helper()
	select {
	case <-c.done:
		c.s.Errorf("a request ended too early: %s", c)
	default:
	}
}

func (c *call) took() time.Duration { return c.ended.Sub(c.begun) }

// ask makes one call to the operator's listener.
func (s *scenario) ask(method, path string) (status int, body string) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, "http://admin"+path, nil)
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.operator.Do(request)
	s.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	s.must(err)
	return response.StatusCode, string(text)
}

// operate makes an operator's call that has to be accepted.
func (s *scenario) operate(call string) {
	s.Helper()
	if status, body := s.ask(http.MethodPost, "/-/"+call); status >= 300 {
		s.Fatalf("%s was not accepted: %d %s", call, status, body)
	}
}

func (s *scenario) status() admin.Status {
	s.Helper()
	_, text := s.ask(http.MethodGet, "/-/status")
	var status admin.Status
	s.must(json.Unmarshal([]byte(text), &status))
	return status
}

func (s *scenario) verdict() admin.VerdictStatus {
	s.Helper()
	return s.status().Verdict
}

// ready is what the operator's listener says to a load balancer.
func (s *scenario) ready() bool {
	s.Helper()
	status, _ := s.ask(http.MethodGet, "/-/ready")
	return status == http.StatusOK
}

// metric is the value of the one sample whose line begins so.
func (s *scenario) metric(sample string) float64 {
	s.Helper()
	_, text := s.ask(http.MethodGet, "/metrics")
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(line, sample+" "); is {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			s.must(err)
			return number
		}
	}
	s.Errorf("there is no metric %s", sample)
	return 0
}
