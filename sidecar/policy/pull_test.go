package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestAPullBegins(t *testing.T) {
	pulled := func(k *Keeper) bool {
		act, begun := did[PullMain](k.decides((*Keeper).beginPull))
		if begun && (act.Generation != 1 || !k.pull.since.Equal(now) || k.pull.status != "starting") {
			t.Errorf("%+v, %+v", act, k.pull)
		}
		return begun
	}
	check(t, pulled, map[string]decided[bool]{
		"of what Ollama lacks":            when(true),
		"not while Clawgate only watches": when(false, passive),
		"not without leave":               when(false, func(k *Keeper) { k.settings.Pull = false }),
		"not twice":                       when(false, pulls),
		"not just after one that failed":  when(false, func(k *Keeper) { k.loads.notBefore = now.Add(1) }),
		"after the pause":                 when(true, func(k *Keeper) { k.loads.notBefore = now }),
		"not just after one that did not": when(false, func(k *Keeper) { k.pull.again = now.Add(1) }),
		"after that pause":                when(true, func(k *Keeper) { k.pull.again = now }),
		"not many times in a while":       when(false, func(k *Keeper) { k.allowance.pulls.AllowN(now, 3) }),
	})
}

func TestHowFarAPullIs(t *testing.T) {
	k := serving(pulls)
	for _, c := range []struct {
		seen   watch.PullMoved
		status string
		told   bool
	}{
		{watch.PullMoved{Status: "pulling manifest"}, "pulling manifest", false},
		{watch.PullMoved{Status: "pulling", Completed: 5, Total: 100}, "pulling: 5 %", false},
		{watch.PullMoved{Status: "pulling", Completed: 12, Total: 100}, "pulling: 12 %", true},
		{watch.PullMoved{Status: "pulling", Completed: 19, Total: 100}, "pulling: 19 %", false},
		{watch.PullMoved{Status: "verifying"}, "verifying", false},
	} {
		k.turn.acts = nil
		_, told := did[Tell](k.decides(func(k *Keeper) { k.ended(c.seen) }))
		if k.pull.status != c.status || told != c.told {
			t.Errorf("%+v: %q, told: %v", c.seen, k.pull.status, told)
		}
	}
	if k.pull.done != 19 || k.pull.total != 100 {
		t.Errorf("what tells no size takes it back: %+v", k.pull)
	}
}

func TestAPullEnds(t *testing.T) {
	missing := func(k *Keeper) { k.seen.Server.API = failures(1, evidence.ProbeResult{Missing: true}) }
	for err, want := range map[string]struct {
		state        State
		rest, pause  time.Time
		stillMissing bool
	}{
		"":    {Loading, time.Time{}, now.Add(pullPause), false},
		"EOF": {Backoff, now.Add(5 * time.Second), time.Time{}, true},
	} {
		k := serving(stands(Loading), pulls, missing)
		kick, _ := did[Kick](k.decides(func(k *Keeper) { k.ended(watch.PullEnded{Err: err}) }))
		if !kick.API || !k.pull.since.IsZero() || k.machine.State != want.state || !k.loads.notBefore.Equal(want.rest) || !k.pull.again.Equal(want.pause) {
			t.Errorf("%q: %s, %+v, %+v", err, k.machine.State, k.pull, k.loads)
		}
		api := k.seen.Server.API
		if api.Last.Missing != want.stillMissing || api.Failures > 0 != want.stillMissing || k.probes.next.Equal(now) == want.stillMissing {
			t.Errorf("%q: %+v", err, api)
		}
	}
}
