//go:build e2e

package recovery

import (
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// TestOperatorsAndCrashes: what a person does is respected, what dies by itself
// is noticed at once.
func TestOperatorsAndCrashes(t *testing.T) {
	t.Parallel()
	s := ready(t, nil)
	t.Run("a crash", s.crash)
	t.Run("docker stop", func(t *testing.T) { s.respects(t, s.Ollama.Stop, s.Ollama.Start) })
	t.Run("docker kill", func(t *testing.T) { s.respects(t, s.Ollama.Kill, s.Ollama.Start) })
	t.Run("docker pause", func(t *testing.T) { s.respects(t, s.Ollama.Pause, s.Ollama.Unpause) })
	t.Run("docker restart", s.restartedByHand)
	t.Run("recreated under the same name", s.recreated)
	if got := s.remedies(t); got != 0 {
		t.Errorf("%v remedies were taken, want none: the engine and the operators did it all", got)
	}
}

// crash kills the server's process from outside Docker. The engine's own policy
// has it up again within a second; the model is loaded again before anybody is
// let in.
func (s *stand) crash(t *testing.T) {
	before := s.status(t)
	server := s.Ollama.Server(t)
	died := time.Now()
	server.Kill(t)
	var noticed admin.Status
	s.await(t, "notice of the crash", 5*time.Second, func(now admin.Status) bool {
		noticed = now
		return now.State != "ready" || now.Generation != before.Generation
	})
	if took := noticed.Since.Sub(died); took > time.Second {
		t.Errorf("the crash was noticed after %s, want less than a second", took)
	} else {
		t.Logf("noticed after %s", took.Round(time.Millisecond))
	}
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	if got := s.metric(t, `clawgate_container_starts_total{cause="crash"}`); got != 1 {
		t.Errorf("%v starts after a crash are counted, want 1", got)
	}
}

// respects: what a person did stays so, until the person undoes it.
func (s *stand) respects(t *testing.T, do, undo func(testing.TB)) {
	t.Helper()
	do(t)
	s.awaitState(t, "stopped", 20*time.Second)
	status := s.Ollama.Status(t)
	answer, err := s.chat(5).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused(t, answer)
	s.staysFor(t, 15*time.Second, "stopped")
	if now := s.Ollama.Status(t); now != status {
		t.Errorf("the container was %s, and is %s although nobody touched it", status, now)
	}
	undo(t)
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
}

// staysFor watches that a state is kept.
func (s *stand) staysFor(t *testing.T, duration time.Duration, state string) {
	t.Helper()
	end := time.Now().Add(duration)
	parts.Await(t, duration+10*time.Second, "the end of the watch", func() bool {
		if now := s.status(t); now.State != state {
			t.Fatalf("the state is %s (%s), want %s all the while", now.State, now.Verdict.Sentence, state)
		}
		return time.Now().After(end)
	})
}

func (s *stand) restartedByHand(t *testing.T) {
	before := s.status(t).Generation
	s.Ollama.Restart(t)
	s.await(t, "a model that is ready in the new run", time.Minute, func(now admin.Status) bool {
		return now.State == "ready" && now.Generation != before
	})
	s.serves(t)
}

// recreated: the same name, another container. The models are in the volume.
func (s *stand) recreated(t *testing.T) {
	old := s.Ollama.ContainerID(t)
	s.Run(t, "up", "-d", "--force-recreate", "--no-deps", "ollama")
	s.locate(t)
	if now := s.Ollama.ContainerID(t); now == old {
		t.Fatal("the container was not made anew")
	}
	s.await(t, "the new container to be followed", time.Minute, func(now admin.Status) bool {
		return now.State == "ready" && now.Container.ID == s.Ollama.ContainerID(t)
	})
	s.serves(t)
	if got := s.metric(t, `clawgate_container_starts_total{cause="recreated"}`); got != 1 {
		t.Errorf("%v recreations are counted, want 1", got)
	}
}

// TestTheSidecarDiesInTheMiddleOfARecovery: its successor starts the container
// that it had stopped.
func TestTheSidecarDiesInTheMiddleOfARecovery(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{"CLAWGATE_STOP_TIMEOUT": "2s", "CLAWGATE_SETTLE_DELAY": "20s"})
	s.Ollama.Server(t).Freeze(t)
	parts.Await(t, 2*time.Minute, "the stopped container", func() bool { return s.Ollama.Status(t) == "exited" })
	s.Sidecar.Server(t).Kill(t) // restart: always brings it back
	parts.Await(t, time.Minute, "the container to be started by the successor", func() bool { return s.Ollama.Status(t) == "running" })
	s.locate(t)
	s.awaitAdmin(t)
	s.awaitState(t, "ready", time.Minute)
	s.serves(t)
	for _, record := range s.logged(t, "state changed") {
		t.Logf("%v: %v → %v (%v)", record["time"], record["from"], record["to"], record["verdict"])
	}
}

// TestTheGuardIsGone: without the engine serving goes on, and nothing is healed.
func TestTheGuardIsGone(t *testing.T) {
	t.Parallel()
	s := ready(t, nil)
	guard := s.Service("docker-guard")
	guard.Stop(t)
	s.awaitVerdict(t, "engine_away", 30*time.Second)
	end, next := time.Now().Add(time.Minute), time.Now()
	parts.Await(t, 2*time.Minute, "the end of the minute", func() bool {
		if time.Now().Before(next) {
			return false
		}
		next = next.Add(5 * time.Second)
		s.serves(t)
		if code, body, err := get(t.Context(), s.admin+"/-/ready"); err != nil || code != http.StatusOK {
			t.Fatalf("/-/ready answered %d (%v) while the model answers: %s", code, err, body)
		}
		return time.Now().After(end)
	})
	guard.Start(t)
	s.awaitVerdict(t, "healthy", 30*time.Second)
	s.serves(t)
	if got := s.remedies(t); got != 0 {
		t.Errorf("%v remedies were taken", got)
	}
}
