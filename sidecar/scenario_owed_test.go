package sidecar_test

import (
	"context"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// staysStopped is a person's stop that has to be respected.
func (s *scenario) staysStopped() {
	s.Helper()
	s.engine.taken()
	s.must(s.OperatorStop(s.Context()))
	s.reaches(policy.Stopped, 5*time.Minute)
	s.remainsStopped()
}

func (s *scenario) remainsStopped() {
	s.Helper()
	time.Sleep(time.Hour)
	s.remedies()
	if c := s.inspect(); c.Status != evidence.Exited {
		s.Errorf("what a person stopped is %s", c.Status)
	}
}

func TestAPersonsStopAfterOneOfOursThatFailed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.StickStop(true)
		s.must(s.FreezeServer())
		s.reaches(policy.Backoff, 5*time.Minute)
		s.StickStop(false)
		s.must(s.ThawServer())
		s.reaches(policy.Ready, 10*time.Minute)
		time.Sleep(time.Minute) // not yet stable: its end is told from ours by the signal
		s.staysStopped()
	})
}

// The driver does not match, which is why nothing was stopped. Who is told so stops
// the container to mend it.
func TestAPersonsStopToReloadTheDriver(t *testing.T) {
	t.Parallel()
	mismatch := func(context.Context) evidence.GPUView {
		return evidence.GPUView{Mismatch: true, Reason: "driver and library have different versions"}
	}
	play(t, setup{fresh: mismatch}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.FreezeServer())
		s.finds(verdict.HostAction, 5*time.Minute)
		s.staysStopped()
	})
}

// A start that failed is owed until a person has seen to it, and not beyond.
func TestAStartIsNotOwedAfterAPersonsOwn(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_RESTART_BUDGET=1", "CLAWGATE_RESTART_WINDOW=24h"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.FailStarts(100, "port is already allocated")
		s.must(s.FreezeServer())
		s.reaches(policy.Backoff, 3*time.Minute) // stopped by us, and not started
		time.Sleep(time.Second)
		s.FailStarts(0, "")
		s.must(s.OperatorStart(s.Context()))
		s.reaches(policy.Ready, time.Minute)
		time.Sleep(11 * time.Minute)
		s.engine.taken()
		s.must(s.FreezeServer()) // the budget is spent all the same
		s.reaches(policy.Exhausted, 10*time.Minute)
		s.remedies()
		s.must(s.ThawServer())
		s.reaches(policy.Ready, 10*time.Minute)
		s.staysStopped()
	})
}

func TestAnIntentOfLongAgoStartsNothing(t *testing.T) {
	t.Parallel()
	play(t, setup{away: true}, func(s *scenario) {
		s.intend()
		run := s.inspect().Identity
		s.must(s.World.Stop(s.Context(), run, time.Minute))
		s.must(s.World.Start(s.Context(), run)) // Clawgate ended before it could write that down
		time.Sleep(3 * time.Hour)
		s.must(s.OperatorStop(s.Context()))
		time.Sleep(time.Hour)
		s.start()
		s.reaches(policy.Stopped, 5*time.Minute)
		time.Sleep(time.Hour)
		s.remedies()
	})
}

// The engine goes on with a stop whose caller has gone.
func TestASuccessorFinishesAStopThatIsUnderWay(t *testing.T) {
	t.Parallel()
	play(t, setup{away: true}, func(s *scenario) {
		s.must(s.FreezeServer())
		s.intend()
		run := s.inspect().Identity
		stopped := make(chan error, 1)
		go func() { stopped <- s.World.Stop(s.Context(), run, 30*time.Second) }()
		time.Sleep(4 * time.Second) // Clawgate was killed, and is back
		s.start()
		s.must(<-stopped)
		s.reaches(policy.Ready, 5*time.Minute)
		s.remedies("start")
	})
}

// A model that answers late is unloaded once at a quiet moment. That nobody sees its
// runner end is no reason to restart a server that works.
func TestAModelThatAnswersIsNotRestartedForAnUnloadThatNobodySaw(t *testing.T) {
	t.Parallel()
	play(t, setup{blind: true}, func(s *scenario) {
		s.log.mayBeReady = func() error { return nil } // nobody can tell
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(2 * time.Minute)
		s.Slow(100)
		time.Sleep(30 * time.Minute)
		s.remedies("unload")
		if now := s.log.state(); now != policy.Ready {
			s.Errorf("it is %s: %s", now, s.verdict().Sentence)
		}
	})
}

// The engine has said that it gave up: the next signal is no more of ours.
func TestAPersonsStopRightAfterOneThatTheEngineGaveUp(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.StickStop(true)
		s.must(s.FreezeServer())
		s.reaches(policy.Backoff, 5*time.Minute)
		s.StickStop(false)
		time.Sleep(2 * time.Second)
		s.engine.taken()
		s.must(s.OperatorStop(s.Context()))
		s.remainsStopped()
	})
}

// The engine was away for the moment in which it was to be asked.
func TestAPersonsStopAfterOneOfOursThatWasNeverSent(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.engine.judge = func(act string) {
			if act == "stop" {
				s.EngineAway(true)
			}
		}
		s.must(s.FreezeServer())
		s.reaches(policy.Backoff, 5*time.Minute)
		s.engine.judge = nil
		s.EngineAway(false)
		s.must(s.ThawServer())
		time.Sleep(10 * time.Second)
		s.engine.taken()
		s.must(s.OperatorStop(s.Context()))
		s.remainsStopped()
	})
}

// Who answers was not killed: minutes later the end is somebody else's doing.
func TestAPersonsStopThatNoEventTellsOf(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]bool{"without a failed stop": false, "after a failed stop": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				if failed {
					s.StickStop(true)
					s.must(s.FreezeServer())
					s.reaches(policy.Backoff, 5*time.Minute)
					s.StickStop(false)
					s.must(s.ThawServer())
					s.reaches(policy.Ready, 10*time.Minute)
				}
				time.Sleep(5 * time.Minute)
				s.LoseEvents(true)
				s.engine.taken()
				s.must(s.OperatorStop(s.Context()))
				s.remainsStopped()
			})
		})
	}
}

// The driver lets go of the process when nobody thinks of it any more.
func TestAStopThatTakesEffectLateIsMadeGood(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"same Clawgate": false, "successor": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.StickDriver(true)
				s.reaches(policy.Backoff, 10*time.Minute)
				if restarts {
					s.stop()
					time.Sleep(2 * time.Minute)
					s.start()
				} else {
					time.Sleep(2 * time.Minute)
				}
				time.Sleep(20 * time.Second)
				s.StickDriver(false)
				time.Sleep(time.Hour)
				if c := s.inspect(); c.Status != evidence.Running {
					s.Errorf("it is %s: %s", c.Status, s.verdict().Sentence)
				}
			})
		})
	}
}

// The person was told to look for a process in state D, and stopped the container.
func TestAPersonsStopIsRespectedByASuccessor(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.StickDriver(true)
		s.reaches(policy.Exhausted, 30*time.Minute)
		time.Sleep(10 * time.Minute)
		go func() { _ = s.OperatorStop(s.Context()) }()
		time.Sleep(time.Minute)
		s.StickDriver(false)
		time.Sleep(time.Minute)
		if c := s.inspect(); c.Status != evidence.Exited {
			s.Errorf("before successor: %s", c.Status)
		}
		s.stop()
		time.Sleep(time.Hour)
		s.engine.taken()
		s.start()
		time.Sleep(time.Hour)
		if c := s.inspect(); c.Status != evidence.Exited {
			s.Errorf("person's stop undone: %s", c.Status)
		}
		s.remedies()
	})
}

// Without a restart policy nothing but the events tells a person from a crash.
func TestAPersonsKillInTheMidstOfOurRestart(t *testing.T) {
	t.Parallel()
	play(t, setup{unruled: true}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		once := false
		s.engine.judge = func(act string) {
			if act == "stop" && !once {
				once = true
				s.must(s.OperatorKill(s.Context()))
				time.Sleep(time.Second)
			}
		}
		s.must(s.FreezeServer())
		time.Sleep(time.Hour)
		if c := s.inspect(); c.Status != evidence.Exited {
			s.Errorf("person's stop undone: %s %v", c.Status, s.engine.taken())
		}
	})
}

// The stream of events was opened again, and tells what was missed.
func TestOurOwnSignalsThatAreToldLateAreOurs(t *testing.T) {
	t.Parallel()
	play(t, setup{lateKills: 25 * time.Second}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.StickDriver(true)
		s.reaches(policy.Backoff, 10*time.Minute)
		time.Sleep(13 * time.Second)
		s.StickDriver(false)
		time.Sleep(time.Hour)
		if c := s.inspect(); c.Status != evidence.Running {
			s.Errorf("left down by us: %s: %s", c.Status, s.verdict().Sentence)
		}
	})
}

func TestAPersonsStopRightAfterTheModelAnsweredAgain(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.StickStop(true)
		s.must(s.FreezeServer())
		s.reaches(policy.Backoff, 5*time.Minute)
		s.StickStop(false)
		s.must(s.ThawServer())
		s.reaches(policy.Ready, 10*time.Minute)
		time.Sleep(time.Second)
		s.engine.taken()
		s.must(s.OperatorStop(s.Context()))
		s.remainsStopped()
	})
}
