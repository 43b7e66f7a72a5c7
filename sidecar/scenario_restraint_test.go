package sidecar_test

import (
	"context"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// unload has a client drop a model, as ollama stop does.
func (s *scenario) unload(name string) {
	s.post("/api/generate", `{"model":"`+name+`","keep_alive":"0s"}`).wait()
}

func TestMemoryTroubleOfLongAgoIsForgotten(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_RESTART_BUDGET=5"}}, func(s *scenario) {
		s.HideGPU("no driver") // where nobody can tell who holds the memory, a restart is tried
		s.reaches(policy.Ready, 2*time.Minute)
		s.FailMemory(model, true)
		s.unload(model)
		s.finds(verdict.OutOfMemory, 5*time.Minute)
		time.Sleep(10 * time.Second)
		s.Mend(model)
		s.calms()
		time.Sleep(time.Hour)
		s.engine.taken()
		s.rush()
		time.Sleep(20 * time.Second)
		s.must(s.FreezeRunner())
		time.Sleep(10 * time.Minute)
		s.remedies("unload")
	})
}

func TestAGPUThatFailsWhileTheModelIsOutOfMemoryShutsTheGate(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_KEEP_ALIVE=5m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.finds(verdict.Unloaded, 20*time.Minute)
		s.LoseDevice()
		s.RaiseXid(79)
		s.reaches(policy.Exhausted, 20*time.Minute)
		if s.ready() {
			s.Error("it says that it is ready, with a GPU that is off the bus")
		}
		s.finds(verdict.HostAction, time.Second)
		if n := s.engine.count("stop"); n != 0 {
			s.Errorf("%d restarts that could not help", n)
		}
	})
}

func TestAnXidDoesNotShutTheGateForAsLongAsAnAnswerTakes(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		time.Sleep(time.Minute)
		long := s.chat(1000)
		long.begins()
		s.RaiseXid(119)
		s.reaches(policy.Isolated, 2*time.Second)
		s.reaches(policy.Ready, 30*time.Second)
		s.finds(verdict.HostAction, time.Second)
		long.isOpen()
		long.complete()
		s.remedies()
	})
}

func TestARestartByHandEndsWhatForbadeOne(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LoseDevice()
		s.RaiseXid(79)
		s.reaches(policy.Exhausted, 5*time.Minute)
		s.must(s.OperatorStop(s.Context()))
		s.reaches(policy.Stopped, time.Minute)
		s.ResetGPU()
		s.operate("restart")
		s.reaches(policy.Ready, 5*time.Minute)
		time.Sleep(20 * time.Minute)
		s.engine.taken()
		s.must(s.FreezeServer())
		time.Sleep(10 * time.Minute)
		s.remedies("stop", "start")
	})
}

func TestRoomIsNotMadeByAModelThatCameIntoUse(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	world.KeepAlive = -1
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.post("/api/generate", generate(other, 3)).complete()
		s.must(s.DeadlockScheduler())
		waits := s.post("/api/generate", generate(third, 3))
		s.SlowEngine(2 * time.Second) // between the decision and the deed
		for s.log.count("taking a remedy") == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		used := s.chat(100)
		used.complete()
		waits.cancel()
		waits.wait()
	})
}

func TestAnotherModelBeyondHelpDoesNotHideTheMainOne(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Hollow(other, "@", true)
		s.every(20*time.Second, func() { s.post("/api/generate", generate(other, 40)).wait() })
		s.every(21*time.Second, func() { s.post("/api/generate", generate(other, 41)).wait() })
		shut, began := 0, time.Now()
		for ; time.Since(began) < time.Hour; time.Sleep(time.Second) {
			if !s.ready() {
				shut++
			}
		}
		if shut > 60 {
			s.Errorf("the gate of the main model was shut for %d of 3600 s", shut)
		}
		if len(s.status().Quarantine) != 1 {
			s.Errorf("the other model is not kept out: %+v", s.status().Quarantine)
		}
		s.remedies("unload")
	})
}

func TestARemedyThatWaitsIsPutOffAgainForWhoBypassesTheRelay(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=15m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.every(5*time.Second, func() { s.chat(20).wait() })
		time.Sleep(time.Minute)
		s.LeakVRAM(4 << 30)
		ctx, cancel := context.WithCancel(s.Context())
		defer cancel()
		s.must(s.Bypass(ctx, model, 9600)) // most of an hour
		s.remedies()
		for s.engine.count("start") == 0 {
			time.Sleep(time.Second)
		}
		s.remedies("stop", "start")
	})
}
