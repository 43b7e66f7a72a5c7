//go:build e2e

package recovery

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// TestAKilledRunnerIsReplacedByOllama: Ollama starts another one for whoever
// asks next. There is nothing to mend, only requests to see through.
func TestAKilledRunnerIsReplacedByOllama(t *testing.T) {
	t.Parallel()
	s := shared(t, nil)
	s.unmended(t, func() {
		t.Run("under a stream, while another client waits", s.killedUnderAStream)
		t.Run("under an answer that is not streamed", s.killedUnderAWholeAnswer)
		t.Run("idle", s.killedIdle)
	})
}

// killedUnderAStream: the stream was begun and is told that it is cut; who waited
// for the slot has no byte yet and notices nothing.
func (s *stand) killedUnderAStream(t *testing.T) {
	streaming := ask(t, s.chat(100_000))
	streaming.begun(t, 30*time.Second)
	waiting := []*asking{ask(t, s.chat(20)), ask(t, s.chat(20))}
	s.awaitRequests(t, 3)

	runner := s.Ollama.Runner(t)
	runner.Kill(t)
	if cut := streaming.end(t, 30*time.Second); cut.Done || cut.ErrorLine == "" {
		t.Errorf("the stream that was cut looks like a whole one, or does not say why: %s", cut)
	}
	for _, client := range waiting {
		if whole := client.end(t, time.Minute); !whole.Complete() || whole.Chunks < 20 || whole.Chunks > 21 {
			t.Errorf("a client that waited for its first byte did not get its one whole answer: %s\n%s", whole, whole.Body)
		}
	}
	s.servedByAnother(t, runner)
}

// killedUnderAWholeAnswer: the model has worked for it, and yet no byte was sent.
func (s *stand) killedUnderAWholeAnswer(t *testing.T) {
	runner := s.Ollama.Runner(t)
	used := runner.CPUTime(t)
	kept := len(s.logged(t, "request kept to be sent again"))
	question := s.chat(2000)
	question.Whole = true
	answering := ask(t, question)
	parts.Await(t, 30*time.Second, "the model to work", func() bool { return runner.CPUTime(t) > used+50*time.Millisecond })
	runner.Kill(t)
	if answer := answering.end(t, 2*time.Minute); !answer.Complete() || len(answer.Content) != question.Tokens {
		t.Errorf("the answer that was lost was not made again: %s, %d letters", answer, len(answer.Content))
	}
	if now := len(s.logged(t, "request kept to be sent again")); now != kept+1 {
		t.Errorf("%d requests were sent again, want this one", now-kept)
	}
	s.servedByAnother(t, runner)
}

func (s *stand) killedIdle(t *testing.T) {
	runner := s.Ollama.Runner(t)
	runner.Kill(t)
	s.servedByAnother(t, runner)
}

// servedByAnother fails the test unless the next question is answered, by another
// process than the one that was killed.
func (s *stand) servedByAnother(t *testing.T, killed parts.Process) {
	t.Helper()
	s.serves(t)
	if now := s.Ollama.Runner(t); now.PID == killed.PID {
		t.Errorf("the runner is still process %d", now.PID)
	}
	s.awaitState(t, "ready", 30*time.Second)
}

// awaitRequests waits until so many requests of clients have arrived and are not
// answered.
func (s *stand) awaitRequests(t *testing.T, requests int) {
	t.Helper()
	s.await(t, "the requests to have arrived", 30*time.Second, func(now admin.Status) bool {
		return len(now.Traffic.InFlight)+now.Traffic.Waiting == requests
	})
}

// unmended fails the test if Clawgate did anything to the server, or the
// container was started again, while the test did something. Runners may come
// and go.
func (s *stand) unmended(t *testing.T, while func()) {
	t.Helper()
	started, before := s.Ollama.StartedAt(t), s.remedies(t)
	while()
	if now := s.Ollama.StartedAt(t); !now.Equal(started) {
		t.Errorf("the container was restarted at %s", now)
	}
	if done := s.remedies(t) - before; done != 0 {
		t.Errorf("%v remedies were taken, and there was nothing to mend", done)
	}
}
