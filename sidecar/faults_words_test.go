package sidecar_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

// wordsHide are faults that no words may hide, and how long after the strike the gate
// is closed at the latest, whatever clients say and ask for meanwhile; three times as
// long where they have models push one another out.
var wordsHide = []struct {
	name   string
	strike func(s *scenario) error
	within time.Duration
	// still says that the time counts from the container's last work: a runner may go on
	// for a server that is frozen, and work is trusted for ten minutes.
	still bool
}{
	{"the model dies of every request", func(s *scenario) error { s.Poison(model, true); return nil }, 2 * time.Minute, false},
	{"there is no memory for the model", func(s *scenario) error {
		s.FailMemory(model, true)
		_ = s.KillRunner() // it may be out of memory now
		return nil
	}, 6 * time.Minute, false},
	{"the server is frozen", func(s *scenario) error { return s.FreezeServer() }, time.Minute, true},
	{"the container ends", func(s *scenario) error { return s.Crash() }, 10 * time.Second, false},
}

// TestFaultsAmongWords holds that a model which is dead is found to be, also while
// clients have models loaded, replaced and unloaded, are told every error there is, and
// leave.
func TestFaultsAmongWords(t *testing.T) {
	t.Parallel()
	for _, seed := range seedsFrom(1, 40) {
		for _, fault := range wordsHide {
			t.Run(fmt.Sprintf("%s, seed %d", fault.name, seed), func(t *testing.T) {
				t.Parallel()
				l := &liar{random: rand.New(rand.NewPCG(seed, 8))}
				within := fault.within
				if seed%2 == 0 {
					within *= 3 // no two models fit, and none is put out for a load that may be in vain
				}
				play(t, l.world(seed), func(s *scenario) {
					s.reaches(policy.Ready, time.Minute)
					for i := range uint64(3) {
						beside := &liar{scenario: s, random: rand.New(rand.NewPCG(seed, 9+i))}
						s.closers = append(s.closers, beside.open.end)
						s.every(time.Millisecond, beside.sequence)
					}
					time.Sleep(time.Duration(l.random.Int64N(int64(5 * time.Minute))))
					if !s.ready() {
						s.Fatal("the gate is shut before anything has happened")
					}
					s.must(fault.strike(s))
					s.closes(within, fault.still)
				})
			})
		}
	}
}

// closes waits until the gate is shut, from now or from the container's last work.
func (s *scenario) closes(within time.Duration, still bool) {
	s.Helper()
	const trusted = 10 * time.Minute // docs/faults.md, a runner frozen during a load
	struck := time.Now()
	worked, cpu := struck, s.cpu()
	for s.ready() {
		if now := s.cpu(); still && now != cpu {
			worked, cpu = time.Now(), now
		}
		if time.Since(worked) > within || time.Since(struck) > trusted+within {
			s.Fatalf("the gate is open %s later, and %s after the last work: %+v", time.Since(struck), time.Since(worked), s.verdict())
		}
		time.Sleep(time.Second / 2)
	}
	s.log.remark("the gate closed after " + time.Since(struck).String())
}

// cpu is how much of it the container has used; nothing where that cannot be read.
func (s *scenario) cpu() time.Duration {
	activity, _ := s.Activity(s.Context())
	return activity.CPU
}
