package sidecar_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// crawling is a machine held to 3 % of a core.
const crawling = 30

// An answer that occupies the only slot for many probe intervals is work,
// however little can be seen of it.
func TestLongAnswerInTheOnlySlotIsNeverDisturbed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		ask  func(s *scenario) (done <-chan struct{}, check func())
	}{
		{"streaming", func(s *scenario) (<-chan struct{}, func()) {
			c := s.chat(2_000)
			return c.done, func() { c.complete() }
		}},
		{"in one piece", func(s *scenario) (<-chan struct{}, func()) {
			c := s.chat(2_000, `,"stream":false`)
			return c.done, func() { c.complete() }
		}},
		{"to a client that bypasses the relay", func(s *scenario) (<-chan struct{}, func()) {
			done := make(chan struct{})
			var err error
			go func() {
				defer close(done)
				err = s.Bypass(s.Context(), model, 900)
			}()
			return done, func() { s.must(err) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				runner := s.runner()
				s.Slow(crawling)
				began := time.Now()
				done, check := test.ask(s)
				<-done
				check()
				s.within("the answer", time.Since(began), 9*time.Minute, 25*time.Minute)
				if s.log.state() != policy.Ready || s.runner() != runner {
					s.Errorf("it is %s, the runner %d was %d", s.log.state(), s.runner(), runner)
				}
				s.remedies()
				s.Slow(1)
				s.stays(policy.Ready, 10*time.Minute)
			})
		})
	}
}

func TestWaitsForALoadOfFiveMinutes(t *testing.T) {
	t.Parallel()
	given := setup{world: simulation.Config{Models: []simulation.Model{{Name: model, LoadTakes: 5 * time.Minute, Bytes: 20 << 30}}}}
	play(t, given, func(s *scenario) {
		s.reaches(policy.Loading, time.Second)
		s.stays(policy.Loading, 4*time.Minute+50*time.Second)
		s.post("/api/chat", chat(3), "Prefer", "wait=0").refused()
		waits := s.chat(3)
		s.reaches(policy.Ready, 20*time.Second)
		waits.complete()
		s.must(s.Crash()) // and once more, after a crash
		s.within("the load after a crash", time.Until(s.reaches(policy.Ready, 6*time.Minute)), -time.Second, 0)
		s.remedies()
	})
}

func TestSlowHostIsServedAndCalledSlow(t *testing.T) {
	t.Parallel()
	given := setup{world: simulation.Config{Models: []simulation.Model{{Name: model, FirstChunk: 10 * time.Second}}}}
	play(t, given, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		sentence := s.finds(verdict.Slow, time.Second)
		if !strings.Contains(sentence, "CLAWGATE_FIRST_CHUNK_TIMEOUT") {
			s.Errorf("the verdict does not say which variable to raise: %s", sentence)
		}
		for range 20 {
			s.chat(30).complete()
			time.Sleep(37 * time.Second)
		}
		if s.log.state() != policy.Ready {
			s.Errorf("it is %s", s.log.state())
		}
		s.stays(policy.Ready, 20*time.Minute)
		s.finds(verdict.Slow, time.Second)
		s.remedies()
	})
}

func TestModelsThatTakeTurnsInMemoryAreNoTrouble(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{0, 20 * time.Second, 70 * time.Second} {
		t.Run(fmt.Sprint("every ", pause), func(t *testing.T) {
			t.Parallel()
			models := []simulation.Model{{Name: model, LoadTakes: 8 * time.Second}, {Name: other, LoadTakes: 8 * time.Second}}
			play(t, setup{world: simulation.Config{MaxLoaded: 1, Models: models}}, func(s *scenario) {
				s.reaches(policy.Ready, 20*time.Second)
				for began := time.Now(); time.Since(began) < 15*time.Minute; time.Sleep(pause) {
					s.post("/api/generate", generate(other, 200)).complete()
					s.chat(200).complete()
				}
				if s.log.state() != policy.Ready {
					s.Errorf("it is %s", s.log.state())
				}
				s.remedies()
			})
		})
	}
}

func TestModelInUseIsNotEvictedForTheMainOne(t *testing.T) {
	t.Parallel()
	play(t, setup{world: simulation.Config{MaxLoaded: 1}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.post("/api/generate", generate(other, 20)).complete()
		taken := s.runner()
		s.stays(policy.Ready, 4*time.Minute) // the other model may be asked again
		if s.runner() != taken {
			s.Error("the model that a client had just used was thrown out")
		}
		s.stays(policy.Ready, 5*time.Minute)
		if s.runner() == taken {
			s.Error("the main model was not loaded again")
		}
		s.finds(verdict.Healthy, time.Minute)
		s.remedies()
	})
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keepAlive string
		loaded          bool // after a client unloaded the model, or its time had passed
	}{
		{"a pinned model is loaded again", "-1", true},
		{"one with a keep-alive goes", "5m", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{env: []string{"CLAWGATE_KEEP_ALIVE=" + test.keepAlive}}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.chat(3).complete()
				if test.loaded {
					s.post("/api/generate", `{"model":"`+model+`","keep_alive":"0s"}`).complete()
				}
				s.stays(policy.Ready, 20*time.Minute)
				if loaded := len(s.runners()) == 1; loaded != test.loaded {
					s.Errorf("loaded: %v, want %v", loaded, test.loaded)
				}
				if !test.loaded {
					s.finds(verdict.Unloaded, time.Second)
				}
				s.chat(3).complete()
				s.finds(verdict.Healthy, time.Minute)
				s.remedies()
			})
		})
	}
}

func TestFullServerIsQueuedForAndNotMended(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_QUEUE_LENGTH=4", "CLAWGATE_QUEUE_TIMEOUT=20m"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		ctx, cancel := context.WithTimeout(s.Context(), 5*time.Minute)
		defer cancel()
		refused := 0
		for ctx.Err() == nil {
			calls := []*call{s.chat(500), s.chat(500), s.chat(500), s.chat(500), s.chat(500), s.chat(500), s.chat(500)}
			for _, c := range calls {
				if c.wait().status == 503 {
					c.refused()
					refused++
					continue
				}
				c.complete()
			}
		}
		if refused == 0 {
			s.Error("no request was refused by the full queue")
		}
		s.remedies()
		if s.log.state() != policy.Ready {
			s.Errorf("it is %s", s.log.state())
		}
	})
}

// A stranger holds the runner that would have to make room, and it is frozen:
// the load of the main model never begins (ollama/ollama#17408 looks the same).
// Each rung gets its two minutes of stillness, so the client waits for longer.
func TestLoadThatNeverBeginsIsHealedAndWaitedForInPeace(t *testing.T) {
	t.Parallel()
	given := setup{world: simulation.Config{MaxLoaded: 1}, env: []string{"CLAWGATE_LOAD_TIMEOUT=2m", "CLAWGATE_HOLD_MAX=10m"}}
	play(t, given, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		go func() { _ = s.Bypass(s.Context(), other, 1_000_000) }()
		time.Sleep(10 * time.Second)
		s.must(s.FreezeRunner())
		waits := s.chat(3)
		time.Sleep(time.Minute)
		before := s.requests()
		time.Sleep(time.Minute)
		if n := s.requests() - before; n > 60 {
			s.Errorf("%d calls to Ollama in a minute", n)
		}
		s.reaches(policy.Recovering, 10*time.Minute)
		s.reaches(policy.Ready, 5*time.Minute)
		waits.complete()
	})
}

// requests is how many calls the server has answered.
func (s *scenario) requests() int {
	s.Helper()
	lines, err := s.LogTail(s.Context(), 10_000)
	s.must(err)
	return strings.Count(strings.Join(lines, "\n"), "[GIN]")
}
