package sidecar_test

import (
	"context"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// A person presses restart while a remedy waits for the server to come to rest.
func TestARestartByHandDuringADrainAtAQuietMoment(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.chat(1500)
		long.begins()
		s.reaches(policy.Isolated, 10*time.Minute)
		ctx, cancel := context.WithCancel(s.Context())
		defer cancel()
		bypass := make(chan struct{})
		go func() {
			defer close(bypass)
			_ = s.Bypass(ctx, model, 3000) // the restart may cut it
		}()
		time.Sleep(5 * time.Second)
		s.operate("restart")
		s.reaches(policy.Ready, 20*time.Minute)
		s.remedies("stop", "start")
		cancel()
		<-bypass
	})
}

// A first failed probe of a frozen server calls nothing off.
func TestAFailedProbeOpensNoGate(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.chat(3000)
		long.begins()
		s.reaches(policy.Isolated, 10*time.Minute)
		time.Sleep(20 * time.Second)
		s.must(s.FreezeServer())
		if to, changed := s.log.awaitChange(time.Minute); changed && to == policy.Ready {
			s.Errorf("a frozen server was called ready: %s", s.verdict().Sentence)
		}
		long.cancel()
		long.wait()
	})
}

// Who bypasses the relay may have only the GPU work.
func TestAWorkingGPUIsNoQuietMoment(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	for i := range world.Models {
		world.Models[i].FirstChunk, world.Models[i].TokenInterval, world.Models[i].LoadTakes = 2*time.Millisecond, 2*time.Millisecond, 100*time.Millisecond
	}
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		time.Sleep(30 * time.Second)
		s.Slow(200)
		bypass := make(chan error, 1)
		go func() { bypass <- s.Bypass(s.Context(), model, 3000) }()
		time.Sleep(30 * time.Second)
		s.LeakVRAM(4 << 30)
		if err := <-bypass; err != nil {
			s.Errorf("somebody's answer was cut: %v; %q", err, s.engine.taken())
		}
	})
}

// A stream that a drain would not see the end of is no reason to shut the gate.
func TestALongStreamIsNotDrainedInVain(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=15m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.chat(28_000)
		long.begins()
		if open := share(70*time.Minute, s.ready); open < 1 {
			s.Errorf("the gate was open for %.2f of the time", open)
		}
		long.complete()
		s.remedies()
		s.reaches(policy.Isolated, 20*time.Minute)
	})
}

func TestARemedyThatCannotSeeAQuietMomentShutsNothing(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), unmeasured: true, env: []string{"CLAWGATE_IDLE_WAIT=5m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.every(time.Second, func() { s.chat(20).wait() })
		if open := share(time.Hour, s.ready); open < 1 {
			s.Errorf("the gate was open for %.2f of the time", open)
		}
		s.remedies()
	})
}

// What could wait gives way to what cannot.
func TestAFreezeDuringAQuietDrain(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.chat(3000)
		long.begins()
		s.reaches(policy.Isolated, 10*time.Minute)
		time.Sleep(20 * time.Second)
		s.must(s.FreezeServer())
		struck := time.Now()
		s.within("mending a frozen server", s.reaches(policy.Recovering, time.Hour).Sub(struck), 0, 2*time.Minute)
		long.cancel()
		long.wait()
	})
}

func TestAFreezeDuringAQuietDrainForAnAnswerInOnePiece(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world(), env: []string{"CLAWGATE_IDLE_WAIT=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.post("/api/generate", `{"model":"qwen3:32b","prompt":"x","stream":false,"options":{"num_predict":3000}}`)
		s.reaches(policy.Isolated, 10*time.Minute)
		time.Sleep(20 * time.Second)
		s.must(s.FreezeServer())
		struck := time.Now()
		s.finds(verdict.Wedged, 10*time.Minute)
		s.within("mending a frozen server", s.reaches(policy.Recovering, time.Hour).Sub(struck), 0, 2*time.Minute)
		long.cancel()
		long.wait()
	})
}

// The drain is called off, and the gate opens with it.
func TestASlowListDuringAQuietDrain(t *testing.T) {
	t.Parallel()
	var slow switched
	play(t, setup{world: fault{}.world(), before: slow.swallow(listOfModels), env: []string{"CLAWGATE_IDLE_WAIT=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LeakVRAM(4 << 30)
		s.finds(verdict.VRAMLeak, 5*time.Minute)
		long := s.chat(8000)
		long.begins()
		s.reaches(policy.Isolated, 10*time.Minute)
		slow.on.Store(true)
		if open := share(15*time.Minute, s.ready); open < 0.5 {
			s.Errorf("the gate was open for %.2f of the time: %s", open, s.verdict().Sentence)
		}
		long.cancel()
		long.wait()
	})
}
