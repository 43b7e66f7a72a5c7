//go:build e2e

// Package recovery tests the product's own compose project on a real engine,
// with a real Ollama and a real (tiny) model in it: what breaks is noticed,
// fenced off and mended, and what works is left alone.
//
// Faults are made from outside, by signals to processes and by what an operator
// does with Docker. Nothing here looks into Clawgate but through its public
// face: the relay, the status, the metrics and the log.
package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// stand is one running project with a model that answers.
type stand struct {
	*parts.Project
	server             parts.Ollama // reached directly, as by a client that bypasses the relay
	door, relay, admin string
}

// settings are those of every stand: the product's defaults, but for what would
// only cost time, and without pulls, which no test machine can make.
var settings = map[string]string{
	"CLAWGATE_PULL": "false",
	// A plain machine without an NVIDIA driver.
	"CLAWGATE_GPU": "off",
	// One slot, so that a long answer is in everybody's way.
	"OLLAMA_NUM_PARALLEL": "1",
}

// bare starts a project without a model.
func bare(t *testing.T, further map[string]string) *stand {
	t.Helper()
	all := maps.Clone(settings)
	maps.Copy(all, further)
	s := &stand{Project: parts.NewProject(t, parts.DebianCompose, []string{"compose/compose.yaml", parts.PublishRelay}, all)}
	s.Up(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the sidecar's log:\n%s", tail(s.Sidecar.Logs(t), 120))
			t.Logf("the gateway's log:\n%s", tail(s.Gateway.Logs(t), 60))
		}
	})
	s.locate(t)
	return s
}

// locate looks the addresses up, which change when containers are made anew.
func (s *stand) locate(t *testing.T) {
	t.Helper()
	s.server, s.door, s.relay, s.admin = s.Server(t), s.Door(t), s.Relay(t), s.Admin(t)
}

// ready starts a project, makes the model through the relay, as a person would,
// and waits until it is served.
func ready(t *testing.T, further map[string]string) *stand {
	t.Helper()
	s := bare(t, further)
	s.createModel(t, tinymodel.Config{})
	s.awaitState(t, "ready", time.Minute)
	return s
}

// createModel makes the model through the relay: only inference is gated.
func (s *stand) createModel(t *testing.T, config tinymodel.Config) {
	t.Helper()
	s.awaitAdmin(t)
	through := parts.Ollama{Container: s.Ollama, URL: s.relay}
	through.AwaitUp(t)
	through.CreateModel(t, parts.Model, config)
}

func (s *stand) awaitAdmin(t *testing.T) {
	t.Helper()
	parts.Await(t, 30*time.Second, "the sidecar's status", func() bool {
		_, _, err := get(t.Context(), s.admin+"/-/healthy")
		return err == nil
	})
}

// status is the sidecar's own account of how things are.
func (s *stand) status(t *testing.T) admin.Status {
	t.Helper()
	_, body, err := get(t.Context(), s.admin+"/-/status")
	if err != nil {
		t.Fatal(err)
	}
	var status admin.Status
	if err := json.Unmarshal(body, &status); err != nil {
		t.Fatalf("cannot read the status: %v\n%s", err, body)
	}
	return status
}

func (s *stand) awaitState(t *testing.T, state string, within time.Duration) {
	t.Helper()
	s.await(t, "the state "+state, within, func(now admin.Status) bool { return now.State == state })
}

func (s *stand) awaitVerdict(t *testing.T, verdict string, within time.Duration) {
	t.Helper()
	s.await(t, "the verdict "+verdict, within, func(now admin.Status) bool { return now.Verdict.Name == verdict })
}

func (s *stand) await(t *testing.T, what string, within time.Duration, holds func(admin.Status) bool) {
	t.Helper()
	parts.Await(t, within, what, func() bool { return holds(s.status(t)) })
}

// metric is the value of one series, named as Prometheus prints it.
func (s *stand) metric(t *testing.T, series string) float64 {
	t.Helper()
	_, body, err := get(t.Context(), s.admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), series+" "); found {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	return 0 // a series without an event yet
}

// remedies counts what Clawgate did to the server so far, by its own account.
func (s *stand) remedies(t *testing.T) (total float64) {
	t.Helper()
	_, body, err := get(t.Context(), s.admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "clawgate_recoveries_total{") {
			number, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:len(line)-1], 64)
			if err != nil {
				t.Fatal(err)
			}
			total += number
		}
	}
	return total
}

// untouched fails the test if Clawgate did anything to the server, or the
// container was started again, while the test did something.
func (s *stand) untouched(t *testing.T, while func()) {
	t.Helper()
	started, runner, before := s.Ollama.StartedAt(t), s.Ollama.Runner(t), s.remedies(t)
	while()
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the container was restarted at %s", now)
	}
	if done := s.remedies(t) - before; done != 0 {
		t.Errorf("%v remedies were taken against a working server", done)
	}
	if !runner.Alive() {
		t.Errorf("the runner's process was replaced")
	}
}

// chat asks through the relay.
func (s *stand) chat(tokens int) parts.Chat {
	return parts.Chat{URL: s.relay, Model: parts.Model, Tokens: tokens}
}

// serves fails the test unless a short question gets its whole answer.
func (s *stand) serves(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := s.chat(5).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !answer.Complete() {
		t.Fatalf("a question was not answered: %s\n%s", answer, answer.Body)
	}
}

// asking is a question that is under way.
type asking struct {
	first  chan struct{} // closed at the first chunk
	answer chan parts.Answer
}

// ask asks in the background. It ends with the test at the latest.
func ask(t *testing.T, chat parts.Chat) *asking {
	t.Helper()
	a := &asking{first: make(chan struct{}), answer: make(chan parts.Answer, 1)}
	chat.OnChunk = func(chunks int) {
		if chunks == 1 {
			close(a.first)
		}
	}
	ctx := t.Context()
	go func() {
		answer, err := chat.Do(ctx)
		if err != nil {
			answer.ErrorLine = err.Error()
		}
		a.answer <- answer
	}()
	return a
}

// begun waits for the first chunk.
func (a *asking) begun(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-a.first:
	case answer := <-a.answer:
		t.Fatalf("the answer ended without a chunk: %s\n%s", answer, answer.Body)
	case <-time.After(within):
		t.Fatalf("no first chunk within %s", within)
	}
}

// end waits for the end of the answer.
func (a *asking) end(t *testing.T, within time.Duration) parts.Answer {
	t.Helper()
	select {
	case answer := <-a.answer:
		return answer
	case <-time.After(within):
		t.Fatalf("no end of the answer within %s", within)
		panic("unreachable")
	}
}

// logged are the log records with that message, oldest first.
func (s *stand) logged(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(s.Sidecar.Logs(t)) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == message {
			found = append(found, record)
		}
	}
	return found
}

func get(ctx context.Context, url string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot get %s: %w", url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
