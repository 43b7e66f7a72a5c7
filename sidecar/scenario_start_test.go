package sidecar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

func TestServesOnlyAfterTheModelAnswered(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		waits := s.chat(3) // for the load, as it would at Ollama
		retryAfter, estimate := s.post("/api/chat", chat(3), "Prefer", "wait=0").refused()
		s.within("Retry-After", retryAfter, time.Minute, time.Minute)
		s.within("Retry-After-Ms", estimate, time.Second, 59*time.Second)
		if s.ready() {
			s.Error("it called itself ready before the model was loaded")
		}
		began := time.Now()
		s.within("the start", s.reaches(policy.Ready, 10*time.Second).Sub(began), 2*time.Second, 4*time.Second)
		waits.complete()
		s.chat(3).complete()
		if !s.ready() || s.metric(`clawgate_state{state="ready"}`) != 1 || s.metric(`clawgate_verdict{verdict="healthy"}`) != 1 {
			s.Error("readiness and the metrics do not agree with the state")
		}
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

func TestCalibratesAgainAfterItsOwnRestart(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		runner, run := s.runner(), s.inspect().Identity
		s.stop()
		s.start()
		began := s.reaches(policy.Starting, time.Second)
		s.within("calibrating beside a healthy server", s.reaches(policy.Ready, 10*time.Second).Sub(began), time.Millisecond, 2*time.Second)
		s.chat(3).complete()
		if s.runner() != runner || s.inspect().Identity != run {
			s.Error("the healthy server was touched")
		}
		s.remedies()
	})
}

// Clawgate comes to a server that is in trouble already.
func TestStartsBesideATroubledServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		given    setup
		state    policy.State
		within   time.Duration
		remedies []string
	}{
		{"a frozen runner is unloaded", setup{env: []string{"CLAWGATE_RECHECK_INTERVAL=2s"}, before: func(s *scenario) {
			s.must(s.Bypass(s.Context(), model, 1))
			s.must(s.FreezeRunner())
		}}, policy.Ready, 40 * time.Second, []string{"unload"}},
		{"a frozen server is restarted once it cannot be starting any more", setup{before: func(s *scenario) {
			s.must(s.FreezeServer())
		}}, policy.Ready, 4 * time.Minute, []string{"stop", "start"}},
		{"a container that somebody stopped stays so", setup{before: func(s *scenario) {
			s.must(s.OperatorStop(s.Context()))
		}}, policy.Stopped, time.Minute, nil},
		{"a container that does not exist is nobody's to make", setup{before: func(s *scenario) {
			s.must(s.OperatorRemove(s.Context()))
		}}, policy.Stopped, time.Minute, nil},
		{"a paused container stays so", setup{before: func(s *scenario) {
			s.must(s.OperatorPause(s.Context()))
		}}, policy.Stopped, time.Minute, nil},
		{"a loaded model is not loaded again", setup{before: func(s *scenario) {
			s.must(s.Bypass(s.Context(), model, 1))
		}}, policy.Ready, 2 * time.Second, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, test.given, func(s *scenario) {
				s.reaches(test.state, test.within)
				s.remedies(test.remedies...)
				if test.state == policy.Ready {
					s.chat(3).complete()
				} else {
					s.chat(3).refused()
				}
				s.stays(test.state, 10*time.Minute)
				s.remedies()
			})
		})
	}
}

func missing() setup {
	return setup{world: simulation.Config{Models: []simulation.Model{{Name: other}, {Name: model, Missing: true, PullTakes: 2 * time.Minute}}}}
}

func TestPullsAMissingModelAndTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	play(t, missing(), func(s *scenario) {
		s.finds(verdict.ModelMissing, 10*time.Second)
		time.Sleep(time.Minute)
		refused := s.chat(3)
		_, estimate := refused.refused()
		s.within("the estimate half-way", estimate, 40*time.Second, 59*time.Second)
		if !strings.Contains(refused.body, " %") {
			s.Errorf("the refusal does not say how far the pull is: %s", refused.body)
		}
		if status := s.status(); status.Pull == nil || status.Pull.CompletedBytes == 0 {
			s.Error("the status does not show the pull")
		}
		if s.log.state() != policy.Loading {
			s.Errorf("it is %s while it pulls", s.log.state())
		}
		s.post("/api/generate", generate(other, 3)).complete()
		s.reaches(policy.Ready, 2*time.Minute)
		s.chat(3).complete()
		s.remedies()
	})
}

func TestLeavesAMissingModelAloneIfItMayNotPull(t *testing.T) {
	t.Parallel()
	given := missing()
	given.env = []string{"CLAWGATE_PULL=false"}
	play(t, given, func(s *scenario) {
		s.reaches(policy.Loading, 15*time.Second)
		s.stays(policy.Loading, 10*time.Minute)
		s.chat(3).refused()
		s.finds(verdict.ModelMissing, time.Second)
		pulled := s.post("/api/pull", `{"model":"`+model+`"}`).wait() // by hand, through the relay
		if pulled.status != 200 || !strings.Contains(pulled.body, "success") {
			s.Errorf("a pull by hand: %s", pulled)
		}
		s.reaches(policy.Ready, 30*time.Second)
		s.remedies()
	})
}
