package sidecar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

func TestFrozenIdleRunnerIsHealedByUnloading(t *testing.T) {
	t.Parallel()
	// Three failures within the ten seconds that Ollama itself gives a runner.
	play(t, setup{env: []string{"CLAWGATE_RECHECK_INTERVAL=2s"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		run := s.inspect().Identity
		s.must(s.FreezeRunner())
		frozen := time.Now()
		isolated := s.reaches(policy.Isolated, 50*time.Second)
		s.within("isolation of an idle runner", isolated.Sub(frozen), 5*time.Second, 30*time.Second+10*time.Second)
		s.chat(3).refused()
		s.within("healing", s.reaches(policy.Ready, 20*time.Second).Sub(isolated), 2*time.Second, 8*time.Second)
		s.remedies("unload")
		if s.inspect().Identity != run {
			s.Error("the container was restarted")
		}
		s.chat(3).complete()
		if n := s.metric(`clawgate_recoveries_total{action="unload",reason="wedged",result="success"}`); n != 1 {
			s.Errorf("%v recoveries are counted", n)
		}
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

// Ollama asks a runner whether it lives before it gives it a request. An idle
// one that does not answer within ten seconds is replaced: the probe's own
// request is what heals it, before three of them have failed.
func TestOllamaItselfReplacesARunnerThatFrozeIdle(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		runner := s.runner()
		s.must(s.FreezeRunner())
		s.stays(policy.Ready, 5*time.Minute)
		if s.runner() == runner {
			s.Error("the frozen runner is still there")
		}
		s.finds(verdict.Healthy, time.Second)
		s.chat(3).complete()
		s.remedies()
	})
}

// A client that bypasses the relay keeps its frozen runner: Ollama unloads no
// model that a request holds.
func TestRunnerThatAStrangerHoldsIsHealedByARestart(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stranger := make(chan error, 1)
		go func() { stranger <- s.Bypass(s.Context(), model, 1_000_000) }()
		time.Sleep(time.Second)
		s.must(s.FreezeRunner())
		frozen := time.Now()
		s.within("isolation", s.reaches(policy.Isolated, time.Minute).Sub(frozen), 10*time.Second, 50*time.Second)
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("unload", "stop", "start")
		if err := <-stranger; err == nil {
			s.Error("the stranger's answer ended as if it were complete")
		}
		s.chat(3).complete()
	})
}

func TestFreezeCutsTheStreamThatItStopped(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(10_000)
		stream.begins()
		time.Sleep(5 * time.Second)
		s.must(s.FreezeRunner())
		frozen := time.Now()
		s.within("isolation with a client waiting", s.reaches(policy.Isolated, 40*time.Second).Sub(frozen), 5*time.Second, 30*time.Second)
		stream.cut()
		s.reaches(policy.Ready, 20*time.Second)
		s.remedies("unload")
		s.chat(3).complete()
	})
}

func TestClientsThatWaitForAFirstByteAreAnsweredOnceAfterTheRecovery(t *testing.T) {
	t.Parallel()
	for _, form := range []struct{ name, path, body, chunk string }{
		{"streams", "/api/chat", chat(20), `"content":"`},
		{"answers in one piece", "/api/chat", chat(20, `,"stream":false`), `"content":"`},
		{"OpenAI's streams", "/v1/chat/completions", `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}],"max_tokens":20,"stream":true}`, `"content":"`},
		{"embeddings", "/api/embed", `{"model":"` + model + `","input":"hello"}`, `"embeddings":`},
	} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: simulation.Config{Models: []simulation.Model{{Name: model, FirstChunk: 2 * time.Second}}}}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				calls := []*call{s.post(form.path, form.body), s.post(form.path, form.body), s.post(form.path, form.body), s.post(form.path, form.body)}
				time.Sleep(time.Second) // the first is being worked on
				s.must(s.FreezeRunner())
				frozen := time.Now()
				s.within("isolation with clients waiting", s.reaches(policy.Isolated, 40*time.Second).Sub(frozen), 5*time.Second, 30*time.Second)
				s.reaches(policy.Ready, 20*time.Second)
				want := s.post(form.path, form.body).wait()
				for _, c := range calls {
					c.wait()
					if c.status != 200 || c.err != nil || strings.Contains(c.body, `"error"`) || strings.Count(c.body, form.chunk) != strings.Count(want.body, form.chunk) {
						s.Errorf("a client that waited: %s", c)
					}
				}
				s.remedies("unload")
			})
		})
	}
}

func TestFrozenServerIsRestarted(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		run := s.inspect().Identity
		waits := s.chat(20)
		s.must(s.FreezeServer())
		frozen := time.Now()
		isolated := s.reaches(policy.Isolated, time.Minute)
		s.within("isolation from a frozen server", isolated.Sub(frozen), 5*time.Second, 30*time.Second)
		// The stop timeout of 30 s, the settle delay of 5 s, the start and the load.
		s.within("healing", s.reaches(policy.Ready, 2*time.Minute).Sub(isolated), 37*time.Second, 40*time.Second)
		s.remedies("stop", "start")
		if now := s.inspect().Identity; now.ID != run.ID || now.StartedAt.Equal(run.StartedAt) {
			s.Errorf("the container is %v, it was %v", now, run)
		}
		waits.complete()
		if left := s.status().Budget.Remaining; left != 2 {
			s.Errorf("%d restarts left of 3", left)
		}
		s.stays(policy.Ready, 10*time.Minute)
	})
}

// refreeze freezes every runner as soon as it is there, until end is called.
func (s *scenario) refreeze() (end func()) {
	return s.every(107*time.Millisecond, func() { _ = s.FreezeRunner() }) // mostly there is none
}

func TestRunnerThatFreezesAgainAndAgainEndsWithAPerson(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_LOAD_TIMEOUT=30s"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		end := s.refreeze()
		s.reaches(policy.Isolated, 2*time.Minute)
		exhausted := s.reaches(policy.Exhausted, 30*time.Minute)
		s.remedies("unload", "stop", "start", "stop", "start", "stop", "start")
		if left := s.status().Budget.Remaining; left != 0 {
			s.Errorf("exhausted with %d restarts left", left)
		}
		refused := s.post("/api/chat", chat(3), "Prefer", "wait=60")
		refused.refused()
		s.within("a refusal without hope", refused.took(), 0, time.Second)
		s.stays(policy.Exhausted, 20*time.Minute)
		end()
		s.must(s.ThawRunner())
		s.reaches(policy.Ready, time.Minute)
		s.chat(3).complete()
		s.remedies()

		time.Sleep(time.Until(exhausted.Add(time.Hour))) // the window has passed
		if left := s.status().Budget.Remaining; left != 3 {
			s.Errorf("%d restarts left after the window", left)
		}
		s.must(s.FreezeServer())
		s.reaches(policy.Ready, 3*time.Minute)
		s.remedies("stop", "start")
	})
}

func TestExhaustedTakesARemedyAgainOnceThereIsBudget(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_LOAD_TIMEOUT=30s", "CLAWGATE_RESTART_BUDGET=1", "CLAWGATE_RESTART_WINDOW=30m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		end := s.refreeze()
		s.reaches(policy.Exhausted, 30*time.Minute)
		s.remedies("unload", "stop", "start")
		end()
		s.reaches(policy.Recovering, 31*time.Minute)
		s.reaches(policy.Ready, time.Minute)
		s.remedies("stop", "start")
	})
}

// The unload of one model fails, and a restart would cut another model's
// stream: it may finish first. That stream is why the freeze is noticed late:
// the container works, and the silence might be a long prompt.
func TestRestartWaitsForTheStreamsOfOtherModels(t *testing.T) {
	t.Parallel()
	models := []simulation.Model{{Name: model}, {Name: other, TokenInterval: time.Second}}
	play(t, setup{world: simulation.Config{Models: models}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		go func() { _ = s.Bypass(s.Context(), model, 1_000_000) }() // it holds the runner
		time.Sleep(time.Second)
		s.must(s.FreezeRunner())
		stream := s.post("/api/generate", generate(other, 15*60))
		stream.begins()
		s.chat(3) // what works might be for the stranger, as long as nobody else waits
		s.reaches(policy.Isolated, 14*time.Minute)
		stream.isOpen()
		s.remedies("unload")
		stream.complete() // from here on the restart may begin
		s.within("the restart after the stream", s.reaches(policy.Ready, time.Minute).Sub(stream.ended), 5*time.Second, 25*time.Second)
		s.remedies("stop", "start")
	})
}
