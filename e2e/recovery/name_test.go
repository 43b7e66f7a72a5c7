//go:build e2e

package recovery

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// TestTheContainersNameIsNotTheServer: the server answers while its name is nobody's,
// and while it is another container's, which is never restarted in its stead.
func TestTheContainersNameIsNotTheServer(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{"CLAWGATE_READY_INTERVAL": "5s"})
	name, started := s.Ollama.Name, s.Ollama.StartedAt(t)
	time.Sleep(12 * time.Second) // API probes and tokens beside readings of the true container's counters
	if trouble := s.status(t).Container.Trouble; trouble != "" {
		t.Errorf("the true container is not taken for the server: %s", trouble)
	}

	s.Ollama = s.Ollama.Rename(t, name+"-away")
	t.Cleanup(func() { s.Ollama.Remove(t) })
	s.awaitTrouble(t, "no container is called")
	s.awaitState(t, "ready", 10*time.Second)
	s.serves(t)

	other := parts.StartIdle(t, name)
	otherStarted := other.StartedAt(t)
	s.awaitTrouble(t, "did nothing while the server")
	s.awaitState(t, "ready", 10*time.Second)
	s.serves(t)
	server := s.Ollama.Server(t)
	server.Freeze(t)
	s.await(t, "the gate to close", 2*time.Minute, func(now admin.Status) bool { return !now.Gate.Open })
	s.staysClosed(t, time.Minute)
	server.Thaw(t)
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	if now := other.StartedAt(t); !now.Equal(otherStarted) {
		t.Errorf("the other container was restarted at %s", now)
	}
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the server was restarted at %s", now)
	}
	if done := s.remedies(t); done != 0 {
		t.Errorf("%v remedies were taken, want none", done)
	}

	other.Remove(t)
	s.Ollama = s.Ollama.Rename(t, name)
	s.awaitTrouble(t, "")
	s.awaitState(t, "ready", 20*time.Second)
	s.Ollama.Server(t).Freeze(t)
	s.awaitState(t, "recovering", 2*time.Minute)
	s.locate(t)
	s.awaitState(t, "ready", 2*time.Minute)
	s.serves(t)
}

// awaitTrouble waits until the status says that of the container.
func (s *stand) awaitTrouble(t *testing.T, words string) {
	t.Helper()
	s.await(t, "the trouble with the container's name: "+words, 40*time.Second, func(now admin.Status) bool {
		if words == "" {
			return now.Container.Trouble == ""
		}
		return strings.Contains(now.Container.Trouble, words)
	})
}

// staysClosed watches that nobody is let in.
func (s *stand) staysClosed(t *testing.T, duration time.Duration) {
	t.Helper()
	end := time.Now().Add(duration)
	parts.Await(t, duration+10*time.Second, "the end of the watch", func() bool {
		if code, body, err := get(t.Context(), s.admin+"/-/ready"); err == nil && code == http.StatusOK {
			t.Fatalf("it calls itself ready before a frozen server: %s", body)
		}
		return time.Now().After(end)
	})
}
