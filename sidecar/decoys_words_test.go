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

// short keeps answers to one token: they are many.
const short = `,"options":{"num_predict":1}`

// sequence is a few requests that are made up, one after another or at once. Some
// clients do not wait for their answer.
func (l *liar) sequence() {
	for range 1 + l.random.IntN(4) {
		body := l.request()
		if testing.Verbose() {
			l.log.remark(body)
		}
		call := l.post("/api/generate", body)
		if !l.open.take(call) {
			return
		}
		switch n := l.random.IntN(60); {
		case n < 3:
			time.Sleep(time.Duration(l.random.Int64N(int64(3 * time.Second))))
			call.cancel()
			l.log.remark("that client has left")
		case n < 40:
			call.wait()
		}
		time.Sleep([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, 4 * time.Second}[l.random.IntN(5)])
	}
	if l.random.IntN(90) == 0 {
		time.Sleep([]time.Duration{time.Minute, 6 * time.Minute}[l.random.IntN(2)])
	}
}

// request is for any model that there is or is not: to talk, now and then for long or
// with a body that is too long to be read, or to leave memory.
func (l *liar) request() string {
	name := []string{model, model, model, other, third, "unknown:1b", alias}[l.random.IntN(7)]
	switch n := l.random.IntN(200); {
	case n < 10:
		return fmt.Sprintf(`{"model":%q,"keep_alive":"0s"}`, name) // told from one of Clawgate's own
	case n < 13:
		return fmt.Sprintf(`{"model":%q,"prompt":"hello","options":{"num_predict":1000}}`, name)
	case n < 15:
		return fmt.Sprintf(`{"model":%q,"stream":false,"prompt":%q,"options":{"num_predict":1,"num_ctx":8192}}`, name, strings.Repeat("x", 20<<10))
	}
	extra := []string{short, short, short, `,"options":{"num_predict":1,"num_ctx":8%d}`, `,"keep_alive":%d`, `,"keep_alive":"%ds"`, `,"shift":false`}[l.random.IntN(7)]
	if strings.Contains(extra, "%") {
		extra = fmt.Sprintf(extra, []int{0, 1, 2, 8, 2048, 4096}[l.random.IntN(6)])
	}
	if extra == `,"keep_alive":2` {
		extra = `,"keep_alive":-1`
	}
	lie := ""
	if l.random.IntN(4) > 0 {
		lie = fmt.Sprintf(`,%s,"does":%d,"says":%d,"status":%d,"pieces":%d`, said, l.random.IntN(2), l.random.IntN(len(ollamasOwn)),
			[]int{200, 200, 400, 404, 500, 500, 500, 502, 503}[l.random.IntN(9)], l.random.IntN(3))
	}
	return fmt.Sprintf(`{"model":%q,"prompt":"hello","stream":%v%s%s}`, name, l.random.IntN(2) > 0, extra, lie)
}

// world is one of several, which differ in how much fits at a time, in how long models
// stay, and in how much the main model says.
func (l *liar) world(seed uint64) setup {
	env := []string{"CLAWGATE_REPLAY_MAX_BYTES=16KiB"}
	if seed%3 == 0 {
		env = append(env, "CLAWGATE_KEEP_ALIVE=1m")
	}
	tokens := 0 // as is usual
	if seed%5 == 0 {
		tokens = 1000
	}
	return setup{env: env, before: func(s *scenario) {
		l.scenario = s
		s.odd.inPlace(l.answer)
	}, world: simulation.Config{Seed: seed, Parallel: 2, GPUBytes: []uint64{14 << 30, 24 << 30}[seed%2], Models: []simulation.Model{
		{Name: model, Bytes: 12 << 30, LoadTakes: 4 * time.Second, Tokens: tokens}, {Name: other, Bytes: 4 << 30, LoadTakes: 2 * time.Second},
		{Name: third, Bytes: 4 << 30, LoadTakes: 5 * time.Second},
	}}}
}

// TestDecoysOfWords holds that no sequence of requests and answers alone, over a
// server whose probe and whose processes are well, closes the gate, keeps a model out
// or has a remedy taken. All of them are 100,000 sequences.
func TestDecoysOfWords(t *testing.T) {
	t.Parallel()
	sequences := 1000
	if raced {
		sequences = 150
	}
	for _, seed := range seedsFrom(1, 100) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l := &liar{random: rand.New(rand.NewPCG(seed, 7))}
			play(t, l.world(seed), func(s *scenario) {
				s.reaches(policy.Ready, time.Minute)
				if seed%4 == 0 {
					s.post("/api/create", fmt.Sprintf(`{"model":%q,"from":%q,"stream":false}`, alias, model)).wait()
				}
				var did atomic.Pointer[note]
				s.log.heard = func(n note) {
					if harm(n) {
						did.CompareAndSwap(nil, &n)
					}
				}
				for i := range sequences {
					if l.sequence(); did.Load() != nil {
						t.Fatalf("sequence %d of seed %d did harm: %+v", i, seed, *did.Load())
					}
				}
			})
		})
	}
}

// harm says that a line of the log tells of something that words must not bring about.
func harm(n note) bool {
	switch n.message {
	case "state changed", "a model is kept out", "a runner died", "there was no room for a model", "taking a remedy", "a remedy is due":
		return true
	}
	return false
}
