package sidecar_test

import (
	"context"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// What a person does to the container is respected until it is undone.
func TestOperatorsActIsRespectedUntilItIsUndone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		act, end func(s *scenario, ctx context.Context) error
	}{
		{"stop", (*scenario).operatorStop, (*scenario).operatorStart},
		{"kill", (*scenario).operatorKill, (*scenario).operatorStart},
		{"pause", (*scenario).operatorPause, (*scenario).operatorUnpause},
		{"remove", (*scenario).operatorRemove, (*scenario).operatorRecreate},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				acted := time.Now()
				s.must(test.act(s, s.Context()))
				s.within("noticing it", s.reaches(policy.Stopped, 5*time.Second).Sub(acted), 0, time.Second)
				refused := s.post("/api/chat", chat(3), "Prefer", "wait=60")
				refused.refused()
				s.within("a refusal without hope", refused.took(), 0, time.Second)
				s.stays(policy.Stopped, 30*time.Minute)
				s.finds(verdict.Stopped, time.Second)
				s.remedies()
				s.must(test.end(s, s.Context()))
				s.reaches(policy.Ready, 20*time.Second)
				s.chat(3).complete()
				s.stays(policy.Ready, 10*time.Minute)
				s.remedies()
			})
		})
	}
}

func (s *scenario) operatorStop(ctx context.Context) error     { return s.OperatorStop(ctx) }
func (s *scenario) operatorKill(ctx context.Context) error     { return s.OperatorKill(ctx) }
func (s *scenario) operatorPause(ctx context.Context) error    { return s.OperatorPause(ctx) }
func (s *scenario) operatorUnpause(ctx context.Context) error  { return s.OperatorUnpause(ctx) }
func (s *scenario) operatorStart(ctx context.Context) error    { return s.OperatorStart(ctx) }
func (s *scenario) operatorRemove(ctx context.Context) error   { return s.OperatorRemove(ctx) }
func (s *scenario) operatorRecreate(ctx context.Context) error { return s.OperatorRecreate(ctx) }

func TestRecreatedContainerIsFollowed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		before := s.inspect().ID
		s.must(s.OperatorRecreate(s.Context()))
		if s.inspect().ID == before {
			s.Fatal("the container was not made anew")
		}
		s.reaches(policy.Ready, 20*time.Second)
		s.chat(3).complete()
		s.must(s.FreezeServer()) // the new one is healed like the old
		s.reaches(policy.Isolated, time.Minute)
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("stop", "start")
	})
}

// A person acts while Clawgate is about to heal: the person wins.
func TestOperatorStopsAFrozenServer(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		for i := range 12 { // about the moment at which the remedy is due
			s.reaches(policy.Ready, time.Minute)
			s.must(s.FreezeServer())
			time.Sleep(time.Duration(i) * time.Second)
			s.must(s.OperatorStop(s.Context())) // ten seconds, and SIGKILL
			s.reaches(policy.Stopped, 5*time.Second)
			s.stays(policy.Stopped, time.Minute)
			s.remedies()
			s.must(s.OperatorStart(s.Context()))
		}
	})
}

// A stop cuts streams as a crash of the runner does, and crashes there were.
func TestOperatorsStopIsNoCrash(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		for range 2 {
			s.reaches(policy.Ready, 10*time.Second)
			stream := s.chat(10_000)
			stream.begins()
			time.Sleep(time.Second)
			s.must(s.KillRunner())
			s.reaches(policy.Loading, time.Second)
		}
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(10_000)
		stream.begins()
		s.must(s.OperatorStop(s.Context()))
		stream.cut()
		s.reaches(policy.Stopped, 5*time.Second)
		s.stays(policy.Stopped, 10*time.Minute)
		s.must(s.OperatorStart(s.Context()))
		s.reaches(policy.Ready, 10*time.Second)
		s.remedies()
	})
}

func TestOperatorStopsTheContainerDuringARestart(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.FreezeServer())
		s.reaches(policy.Recovering, time.Minute)
		time.Sleep(32 * time.Second) // it is stopped, and settles
		s.must(s.OperatorRecreate(s.Context()))
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("stop", "start")
		s.chat(3).complete()
		s.stays(policy.Ready, 10*time.Minute)
	})
}

func TestRestartByHand(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_RESTART_BUDGET=0"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(1_000)
		stream.begins()
		s.operate("restart")
		s.reaches(policy.Isolated, time.Second)
		stream.complete() // it may finish first
		s.reaches(policy.Ready, time.Minute)
		s.remedies("stop", "start")
		s.chat(3).complete()
	})
}

func TestRestartByHandOfAStoppedContainerStartsIt(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.OperatorStop(s.Context()))
		s.reaches(policy.Stopped, 5*time.Second)
		s.operate("restart")
		s.reaches(policy.Ready, time.Minute)
		s.remedies("start")
	})
}

// While it only watches, it tells what it sees and lets everything through.
func TestOnlyWatchingNeverTakesARemedy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		env    []string
		resume bool
	}{
		{"MODE=observe", []string{"CLAWGATE_MODE=observe"}, false},
		{"paused", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{env: test.env, before: func(s *scenario) { s.must(s.Bypass(s.Context(), model, 1)) }}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				if test.resume {
					s.operate("pause?reason=maintenance")
				}
				stream := s.chat(1_000_000) // it keeps Ollama from mending itself
				stream.begins()
				s.must(s.FreezeRunner())
				s.finds(verdict.Wedged, time.Minute)
				waits := s.chat(3, `,"stream":false`)
				time.Sleep(time.Minute)
				waits.isOpen() // it went through the open gate, to the frozen runner
				if s.ready() {
					s.Error("it calls itself ready although the model is dead")
				}
				s.remedies()
				if !test.resume {
					return
				}
				s.operate("resume")
				s.reaches(policy.Ready, time.Minute)
				waits.complete()
				s.remedies("unload")
			})
		})
	}
}

// What failed during the pause says nothing about the server after it.
func TestServerThatWasPausedIsNotRestartedForItsSilence(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		for i := range 20 {
			s.must(s.OperatorPause(s.Context()))
			s.reaches(policy.Stopped, time.Second)
			time.Sleep(time.Minute + time.Duration(i)*700*time.Millisecond)
			s.must(s.OperatorUnpause(s.Context()))
			s.reaches(policy.Ready, 10*time.Second)
			time.Sleep(time.Duration(i) * time.Second)
		}
		s.remedies()
	})
}
