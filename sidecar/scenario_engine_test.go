package sidecar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestServingGoesOnWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.EngineAway(true)
		s.finds(verdict.EngineAway, 20*time.Second)
		for range 20 {
			s.chat(400).complete()
			time.Sleep(11 * time.Second)
		}
		if s.log.state() != policy.Ready || !s.ready() {
			s.Errorf("it is %s", s.log.state())
		}
		s.EngineAway(false)
		s.finds(verdict.Healthy, time.Minute)
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

func TestLongAnswerIsNotDisturbedWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.Slow(crawling)
		stream := s.chat(1_500)
		stream.begins()
		s.EngineAway(true)
		time.Sleep(10 * time.Minute)
		s.EngineAway(false)
		stream.complete()
		s.remedies()
	})
}

func TestSilentWorkIsNotDisturbedWhenTheEngineComesBack(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.Slow(crawling)
		whole := s.chat(1_500, `,"stream":false`)
		s.EngineAway(true)
		time.Sleep(10 * time.Minute)
		s.EngineAway(false)
		whole.complete()
		s.remedies()
		if state := s.log.state(); state != policy.Ready { // the GPU was seen at work all the while
			s.Errorf("it is %s", state)
		}
	})
}

func TestNothingIsHealedBeforeTheEngineIsBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		freeze   func(s *scenario) error
		remedies []string
	}{
		{"a runner", func(s *scenario) error { return s.FreezeRunner() }, []string{"unload", "stop", "start"}},
		{"a server", func(s *scenario) error { return s.FreezeServer() }, []string{"stop", "start"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				go func() { _ = s.Bypass(s.Context(), model, 1_000_000) }() // it keeps Ollama from mending itself
				s.EngineAway(true)
				time.Sleep(5 * time.Second)
				s.must(test.freeze(s))
				frozen := time.Now()
				s.within("isolation without the engine", s.reaches(policy.Isolated, 3*time.Minute).Sub(frozen), 20*time.Second, 2*time.Minute+10*time.Second)
				s.finds(verdict.EngineAway, time.Second)
				s.stays(policy.Isolated, 10*time.Minute)
				s.chat(3).refused()
				s.remedies()
				s.EngineAway(false)
				s.reaches(policy.Ready, 2*time.Minute)
				s.remedies(test.remedies...)
				s.chat(3).complete()
				s.stays(policy.Ready, 10*time.Minute)
			})
		})
	}
}

func TestEngineGoesAwayInTheMiddleOfARestart(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.FreezeServer())
		s.reaches(policy.Recovering, time.Minute)
		time.Sleep(32 * time.Second) // it is stopped, and settles
		s.EngineAway(true)
		time.Sleep(3 * time.Minute)
		s.EngineAway(false)
		s.reaches(policy.Ready, 5*time.Minute)
		s.chat(3).complete()
		if n := s.engine.count("stop"); n != 1 {
			s.Errorf("the container was stopped %d times", n)
		}
	})
}

func TestAddressWhereNobodyEverAnsweredIsNoReasonToRestart(t *testing.T) {
	t.Parallel()
	given := setup{before: func(s *scenario) { s.odd.nobody.Store(true) }}
	play(t, given, func(s *scenario) {
		s.reaches(policy.Isolated, 5*time.Minute)
		s.stays(policy.Isolated, time.Hour)
		s.chat(3).refused()
		if sentence := s.finds(verdict.Down, time.Second); !strings.Contains(sentence, "CLAWGATE_OLLAMA_URL") {
			s.Errorf("the verdict does not say what to look at: %s", sentence)
		}
		s.remedies()
		s.odd.nobody.Store(false)
		s.reaches(policy.Ready, time.Minute)
	})
}

// The network between the sidecar and a working server breaks.
func TestServerThatCannotBeReachedAnyMore(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.odd.nobody.Store(true)
		s.reaches(policy.Isolated, time.Minute)
		s.odd.nobody.Store(false)
		s.reaches(policy.Ready, time.Minute)
		s.chat(3).complete()
	})
}
