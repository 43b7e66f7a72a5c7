//go:build e2e

package recovery

import (
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
)

// TestFrozenRunner freezes the process that holds the model, as a driver fault
// does: the server goes on answering everything but inference.
func TestFrozenRunner(t *testing.T) {
	t.Parallel()
	s := ready(t, nil)
	t.Run("with clients waiting", s.frozenWithClients)
	t.Run("idle", s.frozenIdle)
}

// frozenWithClients: Ollama cannot help itself while a request is in flight on
// the frozen runner. Another client waits for its first byte.
func (s *stand) frozenWithClients(t *testing.T) {
	started := s.Ollama.StartedAt(t)
	streaming := ask(t, s.chat(100000))
	streaming.begun(t, 30*time.Second)
	waiting := ask(t, s.chat(20))

	s.Ollama.Runner(t).Freeze(t)
	frozen := time.Now()
	s.await(t, "isolation", 30*time.Second, func(now admin.Status) bool { return now.State != "ready" })
	t.Logf("isolated %s after the freeze", time.Since(frozen).Round(100*time.Millisecond))

	cut := streaming.end(t, time.Minute)
	if cut.Clean || cut.Done || cut.ErrorLine == "" {
		t.Errorf("the stream that was cut looks like a whole one, or does not say why: %s", cut)
	}
	whole := waiting.end(t, time.Minute)
	if !whole.Complete() || whole.Chunks < 20 || whole.Chunks > 21 {
		t.Errorf("the client that waited for its first byte did not get its one whole answer: %s", whole)
	}
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	s.healedBy(t, "unload")
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the container was restarted at %s; unloading the model would have been enough", now)
	}
}

// frozenIdle: nothing but the probe notices. Ollama pings a runner for ten
// seconds before it gives it a request, and replaces one that does not answer:
// it mends itself when the probe asks for a token. Either it does, or Clawgate
// unloads the model; the container is left alone, and nobody is told that the
// model is ready while it is not.
func (s *stand) frozenIdle(t *testing.T) {
	started := s.Ollama.StartedAt(t)
	runner := s.Ollama.Runner(t)
	runner.Freeze(t)
	s.await(t, "a failed probe", time.Minute, func(now admin.Status) bool { return now.Probes.Ready.Result == "failure" })
	s.await(t, "a model that answers again", time.Minute, func(now admin.Status) bool {
		return now.State == "ready" && now.Probes.Ready.Result == "success"
	})
	s.serves(t)
	if runner.Alive() {
		t.Error("the frozen runner is still there")
	}
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the container was restarted at %s", now)
	}
}

// TestFrozenIdleRunnerIsIsolatedAndUnloaded has Clawgate look again quickly
// enough to be faster than Ollama's own ten seconds.
func TestFrozenIdleRunnerIsIsolatedAndUnloaded(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{
		"CLAWGATE_RECHECK_INTERVAL": "1s", "CLAWGATE_READY_INTERVAL": "5s", "CLAWGATE_FIRST_CHUNK_TIMEOUT": "2s",
	})
	started := s.Ollama.StartedAt(t)
	s.Ollama.Runner(t).Freeze(t)
	s.await(t, "a failed probe", 20*time.Second, func(now admin.Status) bool { return now.Probes.Ready.Result == "failure" })
	failed := time.Now()
	s.await(t, "isolation", 20*time.Second, func(now admin.Status) bool { return now.State != "ready" })
	t.Logf("isolated %s after the first failed probe", time.Since(failed).Round(100*time.Millisecond))
	answer, err := s.chat(5).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status == http.StatusServiceUnavailable { // else it is ready again already
		refused(t, answer)
	}
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	s.healedBy(t, "unload")
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the container was restarted at %s", now)
	}
}

// TestFrozenServer freezes PID 1: connections are accepted by the kernel, and
// nothing else happens.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{"CLAWGATE_STOP_TIMEOUT": "5s"})
	started := s.Ollama.StartedAt(t)
	s.Ollama.Server(t).Freeze(t)
	s.await(t, "isolation", time.Minute, func(now admin.Status) bool { return now.State != "ready" })
	held := s.chat(20)
	held.Header = http.Header{"Prefer": {"wait=100"}}
	waiting := ask(t, held)
	s.awaitState(t, "ready", 2*time.Minute)
	if answer := waiting.end(t, time.Minute); !answer.Complete() {
		t.Errorf("a request that asked to be held was not answered: %s", answer)
	}
	s.healedBy(t, "restart")
	if now := s.Ollama.StartedAt(t); now.Equal(started) {
		t.Error("the container was not restarted")
	}
	s.accountsForItsTime(t)
}

// healedBy checks that exactly one remedy was taken since the start, and which.
func (s *stand) healedBy(t *testing.T, rung string) {
	t.Helper()
	series := `clawgate_recoveries_total{action="` + rung + `",reason="wedged",result="success"}`
	if got, all := s.metric(t, series), s.remedies(t); got != 1 || all != 1 {
		t.Errorf("%s is %v and all remedies are %v, want one", series, got, all)
	}
}

// accountsForItsTime: every part of the way back is logged, and what Clawgate
// adds to the engine's and Ollama's own times is small.
func (s *stand) accountsForItsTime(t *testing.T) {
	t.Helper()
	records := s.logged(t, "recovered")
	if len(records) != 1 {
		t.Fatalf("%d recoveries are logged, want 1", len(records))
	}
	took, isGroup := records[0]["took"].(map[string]any)
	if !isGroup {
		t.Fatalf("the log does not tell the parts: %v", records[0])
	}
	total := took["from_isolation"].(float64)
	for _, part := range []string{"stop the container", "settle", "start the container", "see the API answer", "load the model"} {
		spent, told := took[part].(float64)
		if !told {
			t.Errorf("the log does not tell how long it took to %s: %v", part, took)
		}
		t.Logf("%s: %s", part, time.Duration(spent).Round(time.Millisecond))
		total -= spent
	}
	added := time.Duration(total)
	t.Logf("from isolation to open: %s, of which Clawgate added %s", time.Duration(took["from_isolation"].(float64)), added)
	if added > time.Second {
		t.Errorf("Clawgate added %s to what the engine and Ollama took, want at most 1s", added)
	}
}
