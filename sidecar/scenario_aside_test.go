package sidecar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

// While another model works long for its clients, the main one is not forgotten.
func TestAModelThatIsLookedAtHidesNotTheMainOne(t *testing.T) {
	t.Parallel()
	var silent switched
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world, env: []string{"CLAWGATE_STALL_TIMEOUT=3h"}, before: silent.swallow(generationOf(model))}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.post("/api/generate", generate(other, 3)).complete()
		time.Sleep(20 * time.Second)
		s.must(s.FreezeRunner())
		long := s.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":"x","stream":false,"options":{"num_predict":22000}}`, other))
		time.Sleep(5 * time.Second) // the probe turns to it
		s.must(s.ThawRunner())
		time.Sleep(10 * time.Second)
		silent.on.Store(true)
		struck := time.Now()
		waits := s.chat(3)
		s.within("the main model's silence", s.reaches(policy.Isolated, 3*time.Hour).Sub(struck), 0, 13*time.Minute)
		long.cancel()
		waits.cancel()
		long.wait()
		waits.wait()
	})
}

// What was done about another model is proved by that model, not by the main one.
func TestAnotherModelsRemedyEndsThoughTheMainOneIsBusy(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Hollow(other, "@", true)
		for i := range 3 {
			s.post("/api/generate", generate(other, 40+i)).wait()
		}
		long := s.chat(10_000)
		long.begins()
		s.every(20*time.Second, func() { s.post("/api/generate", generate(other, 40)).wait() })
		if stuck := share(25*time.Minute, func() bool { return s.log.state() == policy.Verifying }); stuck > 0.1 {
			s.Errorf("it was verifying for %.2f of the time", stuck)
		}
		long.isOpen()
	})
}

// looksAside has the probe look at the other model, whose client waits in vain.
func (s *scenario) looksAside(silent *switched) *call {
	s.Helper()
	s.post("/api/generate", generate(other, 3)).complete()
	time.Sleep(20 * time.Second)
	silent.on.Store(true)
	waits := s.post("/api/generate", generate(other, 3))
	time.Sleep(5 * time.Second)
	silent.on.Store(false)
	return waits
}

// What is wrong with another model costs the main one nothing.
func TestAnotherModelsTroubleRestartsNothing(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*scenario){
		"it keeps dying":                         func(*scenario) {},
		"there is no room for it":                func(s *scenario) { s.FailMemory(other, true) },
		"nor for it, and nobody sees who has it": func(s *scenario) { s.FailMemory(other, true); s.HideProcesses(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var silent switched
			play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(other))}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				waits := s.looksAside(&silent)
				breaks(s)
				s.Poison(other, true)
				dies := s.post("/api/generate", generate(other, 3))
				open := share(10*time.Minute, s.ready)
				if n := s.engine.count("stop"); n > 0 || open < 0.9 {
					s.Errorf("%d restarts, the main model open for %.2f", n, open)
				}
				for _, c := range []*call{waits, dies} {
					c.cancel()
					c.wait()
				}
			})
		})
	}
}

func TestAMainModelThatFallsSilentDuringAnothersRemedy(t *testing.T) {
	t.Parallel()
	for name, clients := range map[string]bool{"without clients": false, "with clients": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var silent switched
			play(t, setup{world: fault{}.world(), before: silent.swallow(anyGeneration)}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				silent.on.Store(true) // the GPU hangs
				s.StallLoads(true)
				waits := s.post("/api/generate", generate(other, 3))
				s.reaches(policy.Verifying, 2*time.Minute)
				struck := time.Now()
				var main []*call
				if clients {
					for range 2 {
						main = append(main, s.chat(3))
						time.Sleep(time.Second)
					}
				}
				for s.ready() && time.Since(struck) < 30*time.Minute {
					time.Sleep(250 * time.Millisecond)
				}
				s.within("closing the main model's gate", time.Since(struck), 0, 90*time.Second)
				for _, c := range append(main, waits) {
					c.cancel()
					c.wait()
				}
			})
		})
	}
}

func TestAnotherModelThatWasSilentWhileOnlyWatching(t *testing.T) {
	t.Parallel()
	var silent switched
	play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(other)), env: []string{"CLAWGATE_MODE=observe"}}, func(s *scenario) {
		time.Sleep(time.Second)
		s.chat(3).complete()
		s.reaches(policy.Ready, 2*time.Minute)
		s.post("/api/generate", generate(other, 3)).complete()
		time.Sleep(20 * time.Second)
		silent.on.Store(true)
		waits := s.post("/api/generate", generate(other, 3))
		s.reaches(policy.Isolated, 2*time.Minute)
		time.Sleep(time.Minute)
		waits.cancel()
		waits.wait()
		silent.on.Store(false)
		s.unload(other)
		open := share(30*time.Minute, s.ready)
		if open < 0.9 {
			s.Errorf("the main model was called ready for %.2f of the time; verdict %s: %s", open, s.verdict().Name, s.verdict().Sentence)
		}
	})
}

// Whose client waits for a frozen model gets it looked at, whenever it comes.
func TestASingleClientOfAnotherModelIsNoticed(t *testing.T) {
	t.Parallel()
	for i := range 12 { // at any time of the probe's period of 30 s
		t.Run(fmt.Sprintf("%d half-seconds after a probe", 5*i), func(t *testing.T) {
			t.Parallel()
			var silent switched
			world := fault{}.world()
			world.Models[0].FirstChunk = 2500 * time.Millisecond
			play(t, setup{world: world, before: silent.swallow(generationOf(other))}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(time.Minute + time.Duration(i)*2500*time.Millisecond)
				silent.on.Store(true)
				waits := s.post("/api/generate", generate(other, 3))
				time.Sleep(2 * time.Minute)
				if s.engine.count("unload") == 0 {
					s.Errorf("nobody looked: %s", s.verdict().Sentence)
				}
				waits.cancel()
				waits.wait()
			})
		})
	}
}

// The gate that its death shuts is its own.
func TestTheDeathOfAModelThatIsLookedAtShutsNobodyElseOut(t *testing.T) {
	t.Parallel()
	var silent switched
	play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(other))}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		waits := s.looksAside(&silent)
		s.Poison(other, true)
		dies := s.post("/api/generate", generate(other, 3))
		if open := share(2*time.Minute, s.ready); open < 0.99 { // it is looked at for a moment when the other is kept out
			s.Errorf("the main model was open for %.3f of the time", open)
		}
		for _, c := range []*call{waits, dies} {
			c.cancel()
			c.wait()
		}
	})
}
