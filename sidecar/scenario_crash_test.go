package sidecar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

func TestCrashOfTheServerIsNoticedAtOnceAndLeftToTheEngine(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(10_000)
		stream.begins()
		time.Sleep(time.Second)
		s.must(s.Crash())
		crashed := time.Now()
		noticed := s.reaches(policy.Starting, time.Second)
		s.within("noticing a crash", noticed.Sub(crashed), 0, time.Second)
		stream.cut()
		kept := s.chat(3, `,"stream":false`)
		waits := s.post("/api/chat", chat(3), "Prefer", "wait=30")
		s.within("the way back", s.reaches(policy.Ready, time.Minute).Sub(crashed), 2*time.Second, 5*time.Second)
		waits.complete()
		kept.refused()
		s.remedies()
		if n := s.metric(`clawgate_container_starts_total{cause="crash"}`); n != 1 {
			s.Errorf("%v crashes are counted", n)
		}
	})
}

func TestRequestThatTheCrashHitBeforeItsFirstByteIsAnswered(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		hit := s.chat(500, `,"stream":false`)
		time.Sleep(time.Second)
		s.must(s.Crash())
		s.reaches(policy.Ready, time.Minute)
		hit.complete()
		s.remedies()
	})
}

func TestRunnerThatDiesOnceIsOllamasOwnToMend(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream, whole := s.chat(10_000), s.chat(200, `,"stream":false`)
		stream.begins()
		time.Sleep(time.Second)
		s.must(s.KillRunner())
		stream.wait()
		if !strings.Contains(stream.body, `"error"`) || strings.Contains(stream.body, `"done":true`) {
			s.Errorf("the stream of a runner that died looks complete: %s", stream)
		}
		s.reaches(policy.Ready, time.Minute)
		whole.complete()
		s.chat(3).complete()
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

func TestOneDeathThatCutsManyStreamsIsOne(t *testing.T) {
	t.Parallel()
	play(t, setup{world: simulation.Config{Parallel: 8}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		var streams []*call
		for range 8 {
			streams = append(streams, s.chat(10_000))
		}
		for _, stream := range streams {
			stream.begins()
		}
		time.Sleep(time.Second)
		s.must(s.KillRunner())
		s.reaches(policy.Ready, time.Minute)
		s.stays(policy.Ready, 10*time.Minute)
		s.remedies()
	})
}

func TestRunnerThatDiesIdleIsBackWithoutARemedy(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.KillRunner())
		time.Sleep(2 * time.Minute)
		s.finds(verdict.Healthy, time.Minute)
		s.chat(3).complete()
		s.remedies()
	})
}

func TestRunnerThatDiesAgainAndAgainGoesUpTheLadder(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_RESTART_BUDGET=1"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		end := s.every(3*time.Second, func() { _ = s.KillRunner() }) // mostly there is one
		s.every(5*time.Second, func() { s.chat(50) })
		s.reaches(policy.Recovering, 10*time.Minute)
		s.reaches(policy.Exhausted, 30*time.Minute)
		if taken := s.engine.taken(); len(taken) < 3 || taken[0] != "unload" || s.engine.count("stop") != 1 {
			s.Errorf("remedies taken: %q", taken)
		}
		end()
		s.reaches(policy.Ready, 10*time.Minute)
	})
}
