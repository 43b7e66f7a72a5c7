//go:build e2e

package recovery

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// probeInterval is short, so that a test need not last minutes to span more than
// three of them.
const probeInterval = 6 * time.Second

// atLeast is how long an answer has to take to span more than three probes.
const atLeast = 3*probeInterval + time.Second

// TestAWorkingServerIsLeftAlone holds the container to 3 % of a core: nothing
// answers in time any more, and everything works.
func TestAWorkingServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := ready(t, map[string]string{"CLAWGATE_READY_INTERVAL": probeInterval.String(), "CLAWGATE_RECHECK_INTERVAL": "3s"})
	s.Ollama.LimitCPUs(t, starved)
	t.Run("a long answer in the only slot", func(t *testing.T) {
		s.untouched(t, func() { s.longAnswer(t, s.chat(600)) })
	})
	t.Run("a long answer that is not streamed", func(t *testing.T) {
		question := s.chat(600)
		question.Whole = true
		s.untouched(t, func() { s.longAnswer(t, question) })
	})
	t.Run("a client that bypasses the relay", func(t *testing.T) {
		question := s.chat(600)
		question.URL, question.Whole = s.server.URL, true
		s.untouched(t, func() { s.longAnswer(t, question) })
	})
}

// longAnswer asks a question whose answer takes longer than three probe
// intervals on the starved container, and wants it whole. How fast a starved
// Ollama is differs tenfold from machine to machine, so it gets its core back
// once the probes have had their chance.
func (s *stand) longAnswer(t *testing.T, question parts.Chat) {
	t.Helper()
	answering := ask(t, question)
	select {
	case answer := <-answering.answer:
		t.Fatalf("the answer ended too soon to show anything: %s", answer)
	case <-time.After(atLeast):
	}
	s.Ollama.LimitCPUs(t, "2")
	answer := answering.end(t, 2*time.Minute)
	if !answer.Complete() {
		t.Errorf("the long answer did not arrive: %s", answer)
	}
	t.Logf("the answer took %s", answer.Total.Round(time.Second))
	s.Ollama.LimitCPUs(t, starved)
}

// starved is 3 % of a core.
const starved = "0.03"

// heavy is a model that keeps a starved host busy for a while.
var heavy = tinymodel.Config{Embedding: 512, Layers: 24}

// TestASlowHostIsCalledSlow: a CPU host that takes about ten seconds for every
// first chunk, more than the service level allows, is served, and told what to
// change.
func TestASlowHostIsCalledSlow(t *testing.T) {
	t.Parallel()
	s := bare(t, map[string]string{"CLAWGATE_READY_INTERVAL": "15s"})
	s.createModel(t, heavy)
	s.awaitState(t, "ready", 2*time.Minute)
	s.Ollama.LimitCPUs(t, "0.012")
	s.untouched(t, func() {
		s.awaitVerdict(t, "slow", 2*time.Minute)
		now := s.status(t)
		t.Logf("%s", now.Verdict.Sentence)
		if now.State != "ready" || !now.Gate.Open {
			t.Errorf("a slow server is not served: state %s, gate %+v", now.State, now.Gate)
		}
		question := s.chat(1)
		question.Prompt = "Say hi." // the probe's, which is in the prompt cache
		answer := ask(t, question).end(t, 3*time.Minute)
		if !answer.Complete() {
			t.Errorf("a slow answer did not arrive: %s", answer)
		}
		t.Logf("the first chunk took %s", answer.FirstChunk.Round(time.Millisecond))
	})
}

// TestALongLoadIsAwaited: a start, a load and a first token that take more than
// a minute together belong to somebody; who gives up on a load aborts it.
func TestALongLoadIsAwaited(t *testing.T) {
	t.Parallel()
	s := bare(t, map[string]string{"CLAWGATE_READY_INTERVAL": "10s"})
	s.createModel(t, heavy)
	s.awaitState(t, "ready", 2*time.Minute)
	before := s.remedies(t)
	s.Ollama.LimitCPUs(t, "0.015")
	s.Ollama.Restart(t) // by an operator
	began := time.Now()
	s.await(t, "a model that is still loading after a minute", 3*time.Minute, func(now admin.Status) bool {
		if now.State == "ready" && time.Since(began) > 30*time.Second {
			t.Fatalf("the load took only %s, too short to show anything", time.Since(began))
		}
		return now.State == "loading" && time.Since(began) > time.Minute
	})
	started := s.Ollama.StartedAt(t)
	s.Ollama.LimitCPUs(t, "2")
	s.awaitState(t, "ready", 2*time.Minute)
	s.serves(t)
	if now := s.Ollama.StartedAt(t); !now.Equal(started) || s.remedies(t) != before {
		t.Errorf("a server that loads was touched: started at %s, %v remedies", now, s.remedies(t)-before)
	}
}
