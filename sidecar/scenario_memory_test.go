package sidecar_test

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// Two requests that are too large, with many answers between them, are no want of
// memory.
func TestTwoOversizedRequestsRestartNothing(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]bool{"where nobody sees who holds memory": true, "where it is seen": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: fault{}.world()}, func(s *scenario) {
				s.HideProcesses(hidden)
				s.reaches(policy.Ready, 2*time.Minute)
				time.Sleep(time.Minute)
				oversized := func() {
					s.FailMemory(model, true)
					s.post("/api/chat", `{"model":"qwen3:32b","messages":[{"role":"user","content":"x"}],"options":{"num_ctx":999999,"num_predict":3}}`).wait()
					s.FailMemory(model, false)
				}
				oversized()
				time.Sleep(10 * time.Second)
				s.finds(verdict.Healthy, 3*time.Minute)
				for range 40 {
					s.chat(3).complete()
					time.Sleep(5 * time.Second)
				}
				oversized()
				time.Sleep(10 * time.Minute)
				s.remedies()
				for _, n := range s.log.notesSince(time.Time{}, "state changed") {
					if n.with["to"] == string(policy.Exhausted) {
						s.Error("it was given up")
					}
				}
			})
		})
	}
}

// A load that nobody asked for, or that may well be in vain, takes no place of a model
// that somebody uses.
func TestALoadInDoubtPushesOutNoModelInUse(t *testing.T) {
	t.Parallel()
	play(t, setup{world: simulation.Config{GPUBytes: 14 << 30, Parallel: 2, Seed: 1, Models: fault{}.world().Models}, env: []string{"CLAWGATE_KEEP_ALIVE=2m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		end := s.every(9*time.Second, func() { s.post("/api/generate", generate(other, 3)).wait() })
		s.finds(verdict.Unloaded, 20*time.Minute)
		time.Sleep(time.Minute)
		before := s.runner()
		s.RaiseXid(74)
		time.Sleep(2 * time.Minute)
		if now := s.runner(); now != before {
			s.Errorf("the other model's runner is %d, and was %d", now, before)
		}
		end()
		waits := s.post("/api/chat", chat(3), "Prefer", "wait=120") // now somebody asks
		waits.complete()
	})
}

func TestAModelBeyondHelpPushesOutNoModelInUse(t *testing.T) {
	t.Parallel()
	play(t, setup{world: fault{}.world()}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Foreign(19 << 30)
		s.FailMemory(model, true)
		s.must(s.KillRunner())
		s.chat(3).wait()
		s.every(8*time.Second, func() { s.post("/api/generate", generate(other, 3)).wait() })
		end := s.every(15*time.Second, func() { s.chat(3).wait() })
		s.reaches(policy.Exhausted, 10*time.Minute)
		end()
		time.Sleep(time.Minute)
		different := map[int]bool{}
		share(9*time.Minute, func() bool {
			for _, r := range s.runners() {
				different[r.PID] = true
			}
			return true
		})
		if len(different) > 3 {
			s.Errorf("%d runners in nine minutes", len(different))
		}
	})
}

func TestTwoOversizedRequestsWithALookAside(t *testing.T) {
	t.Parallel()
	for name, aside := range map[string]bool{"no look aside": false, "a look aside": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var silent switched
			play(t, setup{world: fault{}.world(), before: silent.swallow(generationOf(other))}, func(s *scenario) {
				s.HideProcesses(true)
				s.reaches(policy.Ready, 2*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(time.Minute)
				oversized := func() {
					s.FailMemory(model, true)
					s.post("/api/chat", `{"model":"qwen3:32b","messages":[{"role":"user","content":"x"}],"options":{"num_ctx":999999,"num_predict":3}}`).wait()
					s.FailMemory(model, false)
				}
				oversized()
				time.Sleep(10 * time.Second)
				s.finds(verdict.Healthy, 3*time.Minute)
				s.post("/api/generate", generate(other, 3)).complete()
				for range 20 {
					s.chat(3).complete()
					time.Sleep(5 * time.Second)
				}
				s.post("/api/generate", generate(other, 3)).complete()
				time.Sleep(20 * time.Second)
				if aside {
					silent.on.Store(true)
					w := s.post("/api/generate", generate(other, 3))
					time.Sleep(5 * time.Second)
					w.cancel()
					w.wait()
					silent.on.Store(false)
				}
				oversized()
				time.Sleep(10 * time.Minute)
				s.remedies()
				for _, n := range s.log.notesSince(time.Time{}, "state changed") {
					if n.with["to"] == string(policy.Exhausted) {
						s.Error("it was given up")
					}
				}
			})
		})
	}
}
