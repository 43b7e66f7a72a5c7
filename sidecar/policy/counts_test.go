package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// An answer counts once, and none that is asked for no more; a late success still does.
func TestWhichAnswerCounts(t *testing.T) {
	for name, c := range map[string]struct {
		attempt *attempt
		outcome evidence.Outcome
		want    bool
	}{
		"the first":                         {&attempt{id: 7}, evidence.Failure, true},
		"a failure that has counted":        {&attempt{id: 7, counted: true}, evidence.Failure, false},
		"one that decides nothing after it": {&attempt{id: 7, counted: true}, evidence.Unknown, false},
		"a success after it":                {&attempt{id: 7, counted: true}, evidence.Success, true},
		"to another question":               {&attempt{id: 7, superseded: true}, evidence.Success, false},
		"of one that was called off":        {&attempt{id: 8}, evidence.Success, false},
	} {
		k, now := looking(), time.Now()
		c.attempt.target, k.probes.open = mainOne, []*attempt{c.attempt}
		for i, want := range []bool{c.want, false} {
			k.turn = turn{now: now}
			k.probeAnswered(watch.ProbeAnswered{ID: 7, Result: evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: c.outcome, At: now}})
			counts := slices.ContainsFunc(k.turn.acts, func(act Act) bool { _, is := act.(Probed); return is })
			if counts != want {
				t.Errorf("%s, told %d times: counts: %v", name, i+1, counts)
			}
		}
	}
}

// One attempt is heard no longer in a while, and one is called off where too many wait.
func TestTooManyProbesWait(t *testing.T) {
	for name, c := range map[string]struct {
		open    int
		waited  time.Duration
		counted bool
		gaveUp  time.Duration // that long ago
		gives   bool
		cancels bool
	}{
		"a while":              {3, patience, true, time.Hour, true, false},
		"not long":             {3, patience - 1, true, time.Hour, false, false},
		"and may yet succeed":  {3, patience, false, time.Hour, false, false},
		"and one is given up":  {3, patience, true, patience - 1, false, false},
		"as many as may":       {mostOpen, patience, true, time.Hour, true, false},
		"more":                 {mostOpen + 1, patience, true, time.Hour, true, true},
		"more, heard or not":   {mostOpen + 1, patience, false, time.Hour, false, true},
		"more, after a moment": {mostOpen + 1, patience, true, patience - 1, false, false},
	} {
		k, now := looking(), time.Now()
		for i := range c.open {
			k.probes.open = append(k.probes.open, &attempt{id: uint64(i + 1), began: now.Add(-c.waited), counted: c.counted})
		}
		k.probes.gaveUp, k.turn = now.Add(-c.gaveUp), turn{now: now}
		k.giveUp()
		heard, _ := k.probes.waiting()
		if gives := heard < c.open; gives != c.gives || c.open-heard > 1 {
			t.Errorf("%s: %d of %d are heard", name, heard, c.open)
		}
		if cancels := slices.Equal(k.turn.acts, []Act{CancelProbe{1}}); cancels != c.cancels || !cancels && len(k.turn.acts) > 0 {
			t.Errorf("%s: %+v", name, k.turn.acts)
		}
	}
}
