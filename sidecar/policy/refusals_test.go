package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// refusing has clients be refused as busy for two minutes, the last time for a model that
// is on the disk and would find room.
func refusing(k *Keeper) {
	r := &k.seen.Refused
	r.First, r.Last, r.Count, r.Model = ago(2*time.Minute), ago(time.Second), 9, otherOne
	roomFor(otherOne)(k)
}

func TestARefusalIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		given []given
		model string
		count int
		first time.Duration // ago
		noted string        // the model that is refused
	}{
		"the first":                     {nil, otherOne, 1, 0, otherOne},
		"one more of a row":             {[]given{refusing}, "third:latest", 10, 2 * time.Minute, "third:latest"},
		"of a model that is in memory":  {[]given{refusing}, mainOne, 10, 2 * time.Minute, otherOne},
		"of nobody knows which":         {[]given{refusing}, "", 10, 2 * time.Minute, otherOne},
		"of another server's model":     {[]given{refusing}, "big-cloud", 9, 2 * time.Minute, otherOne},
		"just within the row":           {[]given{refusing, func(k *Keeper) { k.seen.Refused.Last = ago(refusalsApart) }}, otherOne, 10, 2 * time.Minute, otherOne},
		"the first of another row":      {[]given{refusing, func(k *Keeper) { k.seen.Refused.Last = ago(refusalsApart + 1) }}, mainOne, 1, 0, ""},
		"the first since the row ended": {[]given{refusing, func(k *Keeper) { k.seen.Refused.Count = 0 }}, otherOne, 1, 0, otherOne},
	} {
		k := serving(c.given...)
		k.sign(evidence.Sign{Kind: evidence.SignOverloaded, Model: c.model, At: now})
		row := k.seen.Refused
		if row.Count != c.count || !row.First.Equal(ago(c.first)) || row.Model != c.noted || row.Last.Equal(now) == (c.model == "big-cloud") {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

func TestARefusalIsLookedInto(t *testing.T) {
	of := func(change func(*watch.Model)) given { return func(k *Keeper) { change(k.seen.Models.Of(otherOne)) } }
	full := func(k *Keeper) { k.seen.Devices.View = evidence.GPUView{} }
	asked := func(d time.Duration) given { return func(k *Keeper) { k.check.asked = ago(d) } }
	checks := func(k *Keeper) bool {
		act, found := did[CheckRefusal](k.decides((*Keeper).checkRefusals))
		if found && (act != CheckRefusal{1, otherOne} || !k.check.running || !k.check.asked.Equal(now)) {
			t.Errorf("%+v, %+v", act, k.check)
		}
		return found
	}
	check(t, checks, map[string]decided[bool]{
		"of a server at rest":                         when(true, refusing),
		"not of one that works":                       when(false, refusing, atWork),
		"not if no model is named":                    when(false, refusing, func(k *Keeper) { k.seen.Refused.Model = "" }),
		"not beside another check":                    when(false, refusing, func(k *Keeper) { k.check.running = true }),
		"not just after one":                          when(false, refusing, asked(checkPause-1)),
		"a while after one":                           when(true, refusing, asked(checkPause)),
		"not before the main model is ready":          when(false, refusing, stands(Isolated)),
		"not while Clawgate only watches":             when(false, refusing, passive),
		"not beside a load":                           when(false, refusing, beingLoaded(mainOne)),
		"not beside one that was there before":        when(false, refusing, func(k *Keeper) { k.loads.restoring = true }),
		"not beside a pull":                           when(false, refusing, pulls),
		"not while nobody knows what is in memory":    when(false, refusing, func(k *Keeper) { k.seen.Server.LoadedKnown = false }),
		"not of a model that is there by now":         when(false, refusing, of(func(m *watch.Model) { m.Present = true })),
		"not of one that is kept out":                 when(false, refusing, of(func(m *watch.Model) { m.Quarantine.Until = now.Add(1) })),
		"of one that was":                             when(true, refusing, of(func(m *watch.Model) { m.Quarantine.Until = now })),
		"not of one without weights":                  when(false, refusing, of(func(m *watch.Model) { m.Size = 0 })),
		"not if another would have to leave":          when(false, refusing, full),
		"if there is none":                            when(true, refusing, full, notLoaded),
		"not if there is one that no list shows":      when(false, refusing, full, notLoaded, func(k *Keeper) { k.seen.Focused().Present = true }),
		"if it fits beside one that no list shows":    when(true, refusing, notLoaded, func(k *Keeper) { k.seen.Focused().Present = true }),
		"not of one without weights, though it's all": when(false, refusing, full, notLoaded, of(func(m *watch.Model) { m.Size = 0 })),
	})
}

func TestWhatACheckShows(t *testing.T) {
	busy := &watch.Failure{Text: "503", Answer: "server busy", Kind: evidence.SignOverloaded}
	for name, c := range map[string]struct {
		failure    *watch.Failure
		row, own   bool // whether the row begins anew, and Clawgate was refused
		isInMemory bool
	}{
		"a load":           {nil, true, false, true},
		"the same refusal": {busy, false, true, false},
		"another error":    {&watch.Failure{Text: "500", Answer: "not found"}, true, false, false},
		"no answer":        {&watch.Failure{Text: "EOF", Kind: evidence.SignOverloaded}, false, false, false},
	} {
		k := serving(refusing, func(k *Keeper) { k.check.running, k.seen.Refused.Own = true, ago(hour) })
		acts := k.decides(func(k *Keeper) { k.ended(watch.CheckEnded{Model: otherOne, Failure: c.failure}) })
		if row := k.seen.Refused; row.First.Equal(now) != c.row || row.Own.Equal(now) != c.own || row.Own.IsZero() != c.row || k.check.running {
			t.Errorf("%s: %+v", name, row)
		}
		wrong := any(nil)
		if c.failure != nil {
			wrong = c.failure.Text
		}
		if line, _ := did[Tell](acts); line.With[3] != wrong {
			t.Errorf("%s: it is told as %v", name, line.With)
		}
		told, found := did[ModelLoaded](acts)
		if found != c.isInMemory || found && (told != ModelLoaded{otherOne, "check"} || k.looks.wanted[0] != otherOne) || k.seen.InMemory(otherOne) != c.isInMemory {
			t.Errorf("%s: %+v, %+v", name, told, k.looks)
		}
	}
}

func TestACheckEndsWithTheRun(t *testing.T) {
	for _, running := range []bool{true, false} {
		k := serving(func(k *Keeper) { k.check = refusalCheck{asked: now, running: running} })
		if _, called := did[CallOffCheck](k.decides((*Keeper).forgetCheck)); called != running || k.check != (refusalCheck{asked: now}) {
			t.Errorf("under way: %v, called off: %v, %+v", running, called, k.check)
		}
	}
}
