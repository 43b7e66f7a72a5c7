package sidecar_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar"
)

// wordsHide are faults that no words may hide, and how long after the strike the gate
// is closed at the latest, whatever clients say and ask for meanwhile; three times as
// long where they have models push one another out.
var wordsHide = []struct {
	name   string
	strike func(s *scenario) error
	within time.Duration
}{
	{"the model dies of every request", func(s *scenario) error { s.Poison(model, true); return nil }, 2 * time.Minute},
	{"there is no memory for the model", func(s *scenario) error { s.FailMemory(model, true); _ = s.KillRunner(); return nil }, 6 * time.Minute}, // it may be out of memory now
	{"the server is frozen", func(s *scenario) error { return s.FreezeServer() }, 11 * time.Minute},                                              // a runner of its may work on, which is trusted for 10
	{"the container ends", func(s *scenario) error { return s.Crash() }, 10 * time.Second},
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
				play(t, l.world(seed), func(s *scenario) {
					s.reaches(sidecar.Ready, time.Minute)
					for i := range uint64(3) {
						beside := &liar{scenario: s, random: rand.New(rand.NewPCG(seed, 9+i))}
						s.closers = append(s.closers, beside.open.end)
						s.every(time.Millisecond, beside.sequence)
					}
					time.Sleep(time.Duration(l.random.Int64N(int64(5 * time.Minute))))
					if state := s.status().State; state != string(sidecar.Ready) {
						s.Fatalf("it is %s before anything has happened", state)
					}
					struck := time.Now()
					s.must(fault.strike(s))
					within := fault.within
					if seed%2 == 0 {
						within *= 3 // no two models fit, and none is put out for a load that may be in vain
					}
					for s.status().State == string(sidecar.Ready) {
						if time.Since(struck) > within {
							s.Fatalf("the gate is open %s later: %+v", within, s.verdict())
						}
						time.Sleep(time.Second / 2)
					}
					s.log.remark("the gate closed after " + time.Since(struck).String())
				})
			})
		}
	}
}
