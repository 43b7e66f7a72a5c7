package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// A restart is paid for once, and not at all where nothing was stopped, or where it ends
// what was paid for before.
func TestWhatARestartCosts(t *testing.T) {
	run := evidence.Identity{ID: "a"}
	intent := &Intent{Container: run}
	for name, c := range map[string]struct {
		rung   Rung
		intent *Intent // pending at the start
		ended  watch.RemedyEnded
		costs  int
	}{
		"one that did it":          {Restart, nil, watch.RemedyEnded{StopSent: true}, 1},
		"one that failed":          {Restart, nil, watch.RemedyEnded{StopSent: true, Failure: &watch.EngineError{}}, 1},
		"one that stopped nothing": {Restart, nil, watch.RemedyEnded{Failure: &watch.EngineError{}}, 0},
		"a start that failed":      {Start, nil, watch.RemedyEnded{Failure: &watch.EngineError{}}, 1},
		"a start that was owed":    {Start, intent, watch.RemedyEnded{}, 0},
		"an unload that failed":    {Unload, nil, watch.RemedyEnded{Failure: &watch.EngineError{}}, 0},
	} {
		k, now := looking(), time.Now()
		k.settings.RestartBudget, k.settings.RestartWindow = 3, time.Hour
		k.seen.Container.Seen = evidence.Container{Identity: run, Status: evidence.Exited}
		k.machine = Machine{State: Recovering, Target: mainOne, Plan: Plan{Rung: c.rung}, Tried: Attempt{c.rung, mainOne}}
		k.turn = turn{Inputs: Inputs{Intent: c.intent, Spent: 1}, now: now}
		k.beginRemedy()
		k.turn.now, k.turn.Intent = now.Add(time.Minute), nil
		k.remedyEnded(c.ended)
		spent := 0
		for _, act := range k.turn.acts {
			switch a := act.(type) {
			case Spend:
				spent++
			case Refund:
				if spent--; !a.At.Equal(now) {
					t.Errorf("%s: what is given back was spent %s ago", name, now.Sub(a.At))
				}
			}
		}
		if spent != c.costs || k.turn.Spent != 1+c.costs {
			t.Errorf("%s costs %d, and %d are known to be spent", name, spent, k.turn.Spent-1)
		}
	}
}
