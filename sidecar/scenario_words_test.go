package sidecar_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

// asks is a request for an answer in one piece, and lies one whose answer says, in
// Ollama's own words, that the runner was killed; lied is one that never reached it.
func asks(name, more string) string {
	return fmt.Sprintf(`{"model":%q,"prompt":"hello","stream":false%s}`, name, more)
}
func lies(name, more string) string {
	return asks(name, `,"system":"lie","does":1,"says":1,"status":500`+more)
}
func lied(name string) string { return asks(name, `,"system":"lie","does":0,"says":1,"status":500`) }

// ask sends a request, waits for its answer and then for a while.
func (l *liar) ask(body string, rest time.Duration) {
	l.post("/api/generate", body).wait()
	time.Sleep(rest)
}

// long is a long answer that has begun.
func (l *liar) long(name string) *call {
	c := l.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":"hello","options":{"num_predict":1000}}`, name))
	c.begins()
	return c
}

// A runner ends for a reason that clients can bring about, and one of them is told that
// it died. Each order is played three times, which would be enough for a remedy.
func TestWordsWithARunnerThatEndsForAReason(t *testing.T) {
	t.Parallel()
	tight := simulation.Config{GPUBytes: 14 << 30, Parallel: 2, Models: []simulation.Model{{Name: model, Bytes: 12 << 30, Tokens: 1000}, {Name: other, Bytes: 4 << 30}}}
	for name, c := range map[string]struct {
		world  simulation.Config
		env    string
		before func(l *liar)
		order  func(l *liar)
	}{
		"the new runner has the usual keep-alive again": {order: func(l *liar) {
			l.ask(asks(other, `,"keep_alive":-1`), 0)
			l.ask(asks(other, `,"options":{"num_ctx":8192}`), 2*time.Second)
			l.ask(lies(other, `,"options":{"num_ctx":8192}`), 6*time.Minute)
			l.ask(lies(other, `,"options":{"num_ctx":8192}`), 3*time.Second)
		}},
		"the keep-alive of the settings": {env: "CLAWGATE_KEEP_ALIVE=1m", order: func(l *liar) {
			l.ask(asks(model, ""), 3*time.Minute)
			l.ask(lies(model, ""), 5*time.Second)
		}},
		"an eviction after its client has left": {world: tight, order: func(l *liar) {
			l.ask(asks(model, ""), 5*time.Second)
			long := l.long(model)
			evict := l.post("/api/generate", asks(other, ""))
			time.Sleep(200 * time.Millisecond)
			evict.cancel()
			evict.wait()
			time.Sleep(time.Second)
			l.ask(lied(model), 0)
			long.wait()
			l.ask(lies(model, ""), 5*time.Second)
		}},
		"an unload while it is in use": {world: simulation.Config{Parallel: 2}, order: func(l *liar) {
			l.ask(asks(other, ""), 5*time.Second)
			long := l.long(other)
			l.ask(fmt.Sprintf(`{"model":%q,"keep_alive":0}`, other), time.Second)
			l.ask(lied(other), time.Second)
			long.wait()
			time.Sleep(time.Second)
			l.ask(lies(other, ""), 5*time.Second)
		}},
		"another name of the same weights": {before: func(l *liar) {
			l.post("/api/create", fmt.Sprintf(`{"model":%q,"from":%q,"stream":false}`, alias, model)).wait()
			time.Sleep(15 * time.Second) // until it is listed
		}, order: func(l *liar) {
			l.ask(asks(model, ""), 4*time.Second)
			l.ask(asks(alias, `,"options":{"num_ctx":8192}`), 4*time.Second)
			l.ask(asks(model, ""), 4*time.Second)
			l.ask(lies(model, ""), 4*time.Second)
		}},
		"options behind what is read of a body": {env: "CLAWGATE_REPLAY_MAX_BYTES=128KiB", order: func(l *liar) {
			l.ask(asks(other, ""), 4*time.Second)
			l.ask(fmt.Sprintf(`{"model":%q,"stream":false,"prompt":%q,"options":{"num_ctx":8192}}`, other, strings.Repeat("x", 300<<10)), 4*time.Second)
			l.ask(lies(other, ""), 4*time.Second)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &liar{random: rand.New(rand.NewPCG(1, 7))}
			given := setup{world: c.world, before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}
			if c.env != "" {
				given.env = []string{c.env}
			}
			play(t, given, func(s *scenario) {
				s.reaches(policy.Ready, time.Minute)
				if c.before != nil {
					c.before(l)
				}
				var did atomic.Pointer[note]
				s.log.heard = func(n note) {
					if harm(n) {
						did.CompareAndSwap(nil, &n)
					}
				}
				for range 3 {
					c.order(l)
				}
				if n := did.Load(); n != nil {
					s.Errorf("it did harm: %+v", *n)
				}
			})
		})
	}
}

// A model that dies of each request before its first token is kept out, however seldom
// it is asked: its runner is seen while it loads.
func TestAModelBesideThatDiesOfEachRequestIsKeptOut(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{5 * time.Second, 30 * time.Second, time.Minute, 100 * time.Second} {
		t.Run(pause.String(), func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, time.Minute)
				began := time.Now()
				var kept atomic.Int64
				s.log.heard = func(n note) {
					if n.message == "a model is kept out" {
						kept.CompareAndSwap(0, int64(time.Since(began)))
					}
				}
				s.Poison(other, true)
				s.every(pause, func() { s.post("/api/generate", generate(other, 3)).wait() })
				time.Sleep(8 * time.Minute)
				if took := time.Duration(kept.Load()); took == 0 || took > 3*pause+30*time.Second {
					s.Errorf("kept out after %s", took)
				}
			})
		})
	}
}

// Words hide no death, not even where the engine is slow to tell.
func TestWordsHideNoDeath(t *testing.T) {
	t.Parallel()
	l := &liar{random: rand.New(rand.NewPCG(1, 7))}
	play(t, setup{world: simulation.Config{Parallel: 4}, before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		s.SlowEngine(100 * time.Millisecond)
		var deaths atomic.Int64
		s.log.heard = func(n note) {
			if n.message == "a runner died" && n.with["model"] == other {
				deaths.Add(1)
			}
		}
		s.every(20*time.Millisecond, func() { s.post("/api/generate", lied(other)).wait() })
		for range 3 {
			l.ask(asks(other, ""), 5*time.Second)
			long := s.post("/api/generate", generate(other, 10_000))
			long.begins()
			time.Sleep(3 * time.Second)
			_ = s.KillRunner()
			long.wait()
			time.Sleep(20 * time.Second)
		}
		if n := deaths.Load(); n < 3 {
			s.Errorf("%d of 3 deaths were noticed", n)
		}
	})
}

// Words about models that nobody has hide nothing of the one that Clawgate is there for.
func TestWordsHideNoLoadThatFails(t *testing.T) {
	t.Parallel()
	l := &liar{random: rand.New(rand.NewPCG(1, 7))}
	play(t, setup{env: []string{"CLAWGATE_KEEP_ALIVE=1m"}, before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		for i := range 2 * 16 {
			l.ask(lied(fmt.Sprintf("m%d:1b", i)), 1500*time.Millisecond)
		}
		time.Sleep(8 * time.Minute)
		s.FailMemory(model, true)
		s.every(11*time.Second, func() { s.chat(3).wait() })
		s.finds("out_of_memory", time.Minute)
	})
}
