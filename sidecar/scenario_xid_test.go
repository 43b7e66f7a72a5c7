package sidecar_test

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// One error of the device class in a storm of others is neither lost nor drowned.
func TestAStormOfXidsHidesNoneThatMatters(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		time.Sleep(time.Minute)
		began := time.Now()
		for i := range 20_000 {
			s.RaiseXid(31)
			if i == 10_000 {
				s.RaiseXid(119)
			}
		}
		s.finds(verdict.HostAction, 2*time.Second)
		s.reaches(policy.Ready, 10*time.Second) // the model answers all the while
		if n := len(s.log.notesSince(began, "the NVIDIA driver reported an error")); n != 2 {
			s.Errorf("%d lines in the log about two kinds of errors", n)
		}
		if n := s.metric(`clawgate_gpu_xid_total{gpu="` + gpuOf(s) + `",xid="31"}`); n != 20_000 {
			s.Errorf("%v of 20000 were counted", n)
		}
		s.remedies()
	})
}

func gpuOf(s *scenario) string { return s.View(s.Context()).GPUs[0].UUID }

// Another model's silence says nothing of the main one, whatever the driver reported.
func TestAnotherModelsSilenceAfterAnXid(t *testing.T) {
	t.Parallel()
	var silent switched
	play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(other))}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Advise(evidence.AdviceReboot)
		s.RaiseXid(119)
		s.finds(verdict.HostAction, 10*time.Second)
		time.Sleep(time.Minute)
		s.post("/api/generate", generate(other, 3)).complete()
		time.Sleep(30 * time.Second)
		silent.on.Store(true)
		waits := s.post("/api/generate", generate(other, 3))
		time.Sleep(time.Minute)
		waits.cancel()
		waits.wait()
		if open := share(30*time.Minute, s.ready); open < 0.95 {
			s.Errorf("the main model was open for %.2f of the time: %s", open, s.verdict().Sentence)
		}
		s.chat(3).complete()
		if n := s.engine.count("stop"); n != 0 {
			s.Errorf("%d restarts against the driver's advice", n)
		}
	})
}

// Requests that Ollama has lost for ever do not keep Clawgate from asking again.
func TestAModelThatAnswersAgainIsFoundThoughOldProbesNeverEnd(t *testing.T) {
	t.Parallel()
	var silent switched
	play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(model))}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Advise(evidence.AdviceReboot)
		s.RaiseXid(119)
		time.Sleep(time.Minute)
		silent.on.Store(true)
		s.reaches(policy.Exhausted, 5*time.Minute)
		time.Sleep(10 * time.Minute)
		silent.on.Store(false)
		s.reaches(policy.Ready, 3*time.Minute)
	})
}

// An error that comes again and again says nothing new about a model that has
// answered since.
func TestAStormOfDeviceXidsTakesNoModelThatAnswers(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.every(20*time.Millisecond, func() { s.RaiseXid(74); s.RaiseXid(13) })
		time.Sleep(time.Second)
		if open := share(3*time.Minute, s.ready); open < 0.95 {
			s.Errorf("the gate was open for %.2f of the time", open)
		}
		s.chat(3).complete()
	})
}

// The engine's own restart of a crashed server mends no GPU.
func TestACrashDoesNotMendAGPU(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Advise(evidence.AdviceReboot)
		s.RaiseXid(119)
		time.Sleep(time.Minute)
		s.must(s.Crash())
		time.Sleep(2 * time.Minute)
		s.reaches(policy.Ready, 5*time.Minute)
		s.must(s.FreezeServer())
		time.Sleep(10 * time.Minute)
		s.remedies()
	})
}

func TestAViewThatComesAndGoesDoubtsOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.LoseDevice()
		s.operatorRestarts()
		s.reaches(policy.Stopped, time.Minute)
		s.reaches(policy.Ready, 30*time.Minute)
		time.Sleep(time.Minute)
		began := time.Now()
		for range 30 {
			s.HideGPU("NVML hangs")
			time.Sleep(10 * time.Second)
			s.HideGPU("")
			time.Sleep(10 * time.Second)
		}
		if n := len(s.log.notesSince(began, "state changed")); n > 0 {
			s.Errorf("%d changes of state", n)
		}
	})
}

// The main model comes first when its GPU is in question.
func TestAnXidWhileAnotherModelIsLookedAt(t *testing.T) {
	t.Parallel()
	for name, aside := range map[string]bool{"at the main model": false, "aside": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var silent switched
			play(t, setup{world: fault{}.world(), before: silent.swallow(anyGeneration)}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				silent.on.Store(true) // the GPU hangs
				var waits *call
				if aside {
					waits = s.post("/api/generate", generate(other, 3))
					time.Sleep(6 * time.Second)
				}
				s.Advise(evidence.AdviceReboot)
				s.RaiseXid(119)
				began := time.Now()
				for s.ready() && time.Since(began) < 10*time.Minute {
					time.Sleep(250 * time.Millisecond)
				}
				s.within("closing the main model's gate", time.Since(began), 0, 5*time.Second)
				if waits != nil {
					waits.cancel()
					waits.wait()
				}
			})
		})
	}
}

// What the main model has proved after the error is not lost by a look at another.
func TestALookAsideAfterAnXidThatWasSurvived(t *testing.T) {
	t.Parallel()
	for name, xid := range map[string]bool{"no Xid": false, "an Xid": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var silent switched
			world := fault{}.world()
			world.Parallel = 1
			play(t, setup{world: world, before: silent.swallow(generationOf(other))}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				if xid {
					s.RaiseXid(74)
				}
				time.Sleep(time.Hour)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				silent.on.Store(true)
				waits := s.post("/api/generate", generate(other, 3))
				time.Sleep(5 * time.Second) // the probe turns to it
				long := s.chat(9000)
				long.begins()
				time.Sleep(2 * time.Second)
				waits.cancel()
				waits.wait()
				silent.on.Store(false)
				if open := share(20*time.Minute, s.ready); open < 0.95 {
					s.Errorf("the gate was open for %.2f of the time: %s", open, s.verdict().Sentence)
				}
				long.cancel()
				long.wait()
			})
		})
	}
}

// A stream that goes on is the answer that is asked for.
func TestAnXidDuringALongAnswerInTheOnlySlot(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		long := s.chat(9000)
		long.begins()
		time.Sleep(5 * time.Second)
		s.RaiseXid(74)
		if open := share(20*time.Minute, s.ready); open < 0.95 {
			s.Errorf("the gate was open for %.2f of the time: %s", open, s.verdict().Sentence)
		}
		s.remedies()
		long.cancel()
		long.wait()
	})
}

func TestAnXidWhileAnotherModelIsMended(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]policy.State{"verifying": policy.Verifying, "recovering": policy.Recovering} {
		t.Run(name, func(t *testing.T) {
			var silent switched
			play(t, setup{world: fault{}.world(), before: silent.swallow(anyGeneration)}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				silent.on.Store(true)
				s.StallLoads(true)
				waits := s.post("/api/generate", generate(other, 3))
				s.reaches(state, 2*time.Minute)
				s.Advise(evidence.AdviceReboot)
				s.RaiseXid(119)
				began := time.Now()
				for s.ready() && time.Since(began) < 10*time.Minute {
					time.Sleep(250 * time.Millisecond)
				}
				s.within("closing the main model's gate", time.Since(began), 0, 5*time.Second)
				waits.cancel()
				waits.wait()
			})
		})
	}
}

func TestOnePieceOfAStreamIsOneAnswer(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world, env: []string{"CLAWGATE_SUCCESS_THRESHOLD=5"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		long := s.chat(9000)
		long.begins()
		time.Sleep(5 * time.Second)
		s.RaiseXid(74)
		time.Sleep(2200 * time.Millisecond) // one or two pieces more
		s.must(s.FreezeRunner())
		open := 0
		for range 240 {
			time.Sleep(250 * time.Millisecond)
			if s.ready() {
				open++
			}
		}
		if open > 0 {
			s.Errorf("open for %s with a frozen runner", time.Duration(open)*250*time.Millisecond)
		}
		long.cancel()
		long.wait()
	})
}
