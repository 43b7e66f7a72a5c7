//go:build e2e

package recovery

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

func TestNothingIsServedBeforeTheModelHasAnswered(t *testing.T) {
	t.Parallel()
	s := bare(t, map[string]string{"CLAWGATE_READY_INTERVAL": "3500ms", "CLAWGATE_RECHECK_INTERVAL": "2s"})
	s.awaitAdmin(t)
	answer, err := s.chat(5).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused(t, answer)
	if code, _, err := get(t.Context(), s.admin+"/-/ready"); err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("/-/ready answered %d (%v) before the model did", code, err)
	}

	s.createModel(t, tinymodel.Config{})
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	if code, body, err := get(t.Context(), s.admin+"/-/ready"); err != nil || code != http.StatusOK {
		t.Errorf("/-/ready answered %d (%v) although the model is ready: %s", code, err, body)
	}
	for series, want := range map[string]float64{
		`clawgate_state{state="ready"}`: 1, `clawgate_state{state="starting"}`: 0, `clawgate_verdict{verdict="healthy"}`: 1,
		`clawgate_model_loaded{model="qwen3:32b"}`: 1, `clawgate_restart_budget_remaining`: 3,
	} {
		if got := s.metric(t, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	t.Run("the ollama command works through the relay", s.ollamaCommand)
	t.Run("probes leave the runner alone", s.probesLeaveTheRunnerAlone)
}

// refused checks a refusal of the relay's own.
func refused(t *testing.T, answer parts.Answer) {
	t.Helper()
	if answer.Status != http.StatusServiceUnavailable {
		t.Fatalf("got status %d, want 503: %s", answer.Status, answer.Body)
	}
	if got := answer.Header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After is %q, want 60", got)
	}
	for _, name := range []string{"Retry-After-Ms", "Clawgate-State"} {
		if answer.Header.Get(name) == "" {
			t.Errorf("the refusal has no header %s", name)
		}
	}
	var body struct{ Error string }
	if err := json.Unmarshal(answer.Body, &body); err != nil || body.Error == "" {
		t.Errorf("the refusal does not say what is going on: %s", answer.Body)
	}
}

// ollamaCommand runs the official command line against the relay.
func (s *stand) ollamaCommand(t *testing.T) {
	for _, test := range []struct{ command, want string }{
		{"ollama list", "qwen3:32b"},
		{"ollama show qwen3:32b", "architecture"},
		{"ollama ps", "qwen3:32b"},
		{"ollama run qwen3:32b hello 2>/dev/null | head -c 3 | wc -c", "3"},
		{"ollama pull no-such/model:tag 2>&1 || echo status $?", "status 1"},
		{"ollama cp qwen3:32b copy && ollama rm copy", "deleted"},
	} {
		output := s.Ollama.Exec(t, "sh", "-c", "export OLLAMA_HOST=http://sidecar:18789; "+test.command)
		if !strings.Contains(output, test.want) {
			t.Errorf("%s: got %q, want %q in it", test.command, output, test.want)
		}
	}
}

// probesLeaveTheRunnerAlone: neither the default options nor a user's own
// num_ctx are changed by a probe.
func (s *stand) probesLeaveTheRunnerAlone(t *testing.T) {
	for _, options := range []map[string]any{nil, {"num_ctx": 1024}} {
		for range 2 {
			question := s.chat(5)
			question.Options = options
			if answer, err := question.Do(t.Context()); err != nil || !answer.Complete() {
				t.Fatalf("%v: %s", err, answer)
			}
			before := s.metric(t, `clawgate_probe_total{probe="ready",result="success"}`)
			s.untouched(t, func() {
				parts.Await(t, time.Minute, "five readiness probes", func() bool {
					return s.metric(t, `clawgate_probe_total{probe="ready",result="success"}`) >= before+5
				})
			})
		}
	}
}
