//go:build e2e

package recovery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// timeOfTurns spans at least six of the probes that come every probeInterval.
const timeOfTurns = 40 * time.Second

// TestTwoModelsTakeTurns on a server that holds only one: each client's question
// throws the other's model out. Ollama has it so, and it works.
func TestTwoModelsTakeTurns(t *testing.T) {
	t.Parallel()
	const other = "other:latest"
	s := shared(t, map[string]string{
		"CLAWGATE_READY_INTERVAL": probeInterval.String(), "CLAWGATE_RECHECK_INTERVAL": "3s", "OLLAMA_MAX_LOADED_MODELS": "1",
	})
	s.server.CreateModelWith(t, other, tinymodel.Config{Seed: 1}, oneThread())
	s.unmended(t, func() {
		mine, others := s.chat(20), s.chat(20)
		others.Model = other
		mains, besides := gather(t, mine, 1), gather(t, others, 1)
		s.keepsServing(t, timeOfTurns)
		mains.end()
		besides.end()
		for name, load := range map[string]*crowd{parts.Model: mains, other: besides} {
			if whole, cut := load.check(t); whole < 3 || cut > 0 {
				t.Errorf("%s: %d whole answers and %d cut ones, want several and none", name, whole, cut)
			}
		}
	})
	s.serves(t)
}

// keepsServing watches that the gate is open for everybody.
func (s *stand) keepsServing(t *testing.T, duration time.Duration) {
	t.Helper()
	end := time.Now().Add(duration)
	parts.Await(t, duration+10*time.Second, "the end of the watch", func() bool {
		now := s.status(t)
		if now.State != "ready" || !now.Gate.Open || len(now.Gate.ModelsClosed) > 0 {
			t.Fatalf("the state is %s (%s) and the gate %+v, want an open one all the while", now.State, now.Verdict.Sentence, now.Gate)
		}
		return time.Now().After(end)
	})
}

// TestAModelLeavesMemoryWhenNobodyUsesIt: probes do not keep it there, and its
// absence is no fault.
func TestAModelLeavesMemoryWhenNobodyUsesIt(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{
		"CLAWGATE_KEEP_ALIVE": "5s", "OLLAMA_KEEP_ALIVE": "5s",
		"CLAWGATE_READY_INTERVAL": "3500ms", "CLAWGATE_RECHECK_INTERVAL": "2s", // often enough to keep it loaded
	})
	s.unmended(t, func() {
		for _, after := range []string{"the load", "a client's question"} {
			parts.Await(t, 30*time.Second, "the model to leave memory after "+after, func() bool { return len(s.server.Loaded(t)) == 0 })
			s.awaitVerdict(t, "unloaded", 20*time.Second)
			s.staysAway(t, 10*time.Second)
			s.serves(t)
		}
	})
}

// staysAway watches that nobody loads the model, and that this is no reason to
// let nobody in.
func (s *stand) staysAway(t *testing.T, duration time.Duration) {
	t.Helper()
	end := time.Now().Add(duration)
	parts.Await(t, duration+10*time.Second, "the end of the watch", func() bool {
		now := s.status(t)
		if now.State != "ready" || !now.Gate.Open || now.Verdict.Name != "unloaded" {
			t.Fatalf("the state is %s, the verdict %s (%s)", now.State, now.Verdict.Name, now.Verdict.Sentence)
		}
		if loaded := s.server.Loaded(t); len(loaded) > 0 {
			t.Fatalf("%q was loaded although nobody asked", loaded)
		}
		return time.Now().After(end)
	})
}

// TestUsersWithAContextOfTheirOwnKeepTheirRunner: a probe that asked for another
// num_ctx would have the model loaded twice, once for itself and once more for
// the next user.
func TestUsersWithAContextOfTheirOwnKeepTheirRunner(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{"CLAWGATE_READY_INTERVAL": "3500ms", "CLAWGATE_RECHECK_INTERVAL": "2s"})
	question := s.chat(20)
	question.Options = map[string]any{"num_ctx": 2048}
	if answer, err := question.Do(t.Context()); err != nil || !answer.Complete() {
		t.Fatalf("%v: %s", err, answer)
	}
	const probes = `clawgate_probe_total{probe="ready",result="success"}`
	before := s.metric(t, probes)
	s.untouched(t, func() {
		runners := []int{s.Ollama.Runner(t).PID}
		end := time.Now().Add(timeOfTurns)
		parts.Await(t, timeOfTurns+time.Minute, "the end of the questions", func() bool {
			// Between a user's questions there is time for a probe.
			probed := s.metric(t, probes)
			parts.Await(t, 30*time.Second, "a probe", func() bool { return s.metric(t, probes) > probed })
			s.answers(t, question)
			runners = append(runners, s.Ollama.Runner(t).PID)
			return time.Now().After(end)
		})
		t.Logf("%d questions and %v probes", len(runners), s.metric(t, probes)-before)
		if len(slices.Compact(runners)) != 1 {
			t.Errorf("the users were served by the runners %v, want the same one for all", runners)
		}
	})
}

// answers fails the test unless the question gets its whole answer.
func (s *stand) answers(t *testing.T, question parts.Chat) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if answer, err := question.Do(ctx); err != nil || !answer.Complete() {
		t.Fatalf("a question was not answered: %v: %s\n%s", err, answer, answer.Body)
	}
}
