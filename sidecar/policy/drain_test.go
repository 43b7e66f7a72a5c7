package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// due has a remedy be due for the server, and drain since a minute ago.
func due(rung Rung) given {
	return func(k *Keeper) {
		k.machine = Machine{State: Isolated, Plan: Plan{Rung: rung}}
		if !rung.Cuts() {
			k.machine.Target = mainOne
		}
		k.remedy.since, k.remedy.drainFrom = ago(time.Minute), ago(time.Minute)
	}
}

func forced(k *Keeper)  { k.machine.Plan.ByPerson = true }
func quietly(k *Keeper) { k.machine.Plan.WhenQuiet = true }

func TestADrainEnds(t *testing.T) {
	streams := inFlight(chunk(mainOne, drainMoves-1))
	full := func(k *Keeper) { k.remedy.drainFrom = ago(10 * time.Minute) }
	noRemedies := func(k *Keeper) { k.allowance.remedies.AllowN(now, 6) }
	ends := func(k *Keeper) bool {
		act, taken := did[TakeRemedy](k.decides((*Keeper).finishDrain))
		if taken && (act.Rung != k.machine.Rung() || k.machine.State != Recovering) {
			t.Errorf("%+v, %+v", act, k.machine)
		}
		return taken
	}
	check(t, ends, map[string]decided[bool]{
		"when nothing moves":                         when(true, due(Restart)),
		"not while a stream does":                    when(false, due(Restart), streams),
		"while one has stopped to":                   when(true, due(Restart), inFlight(chunk(mainOne, drainMoves))),
		"while one has not begun to":                 when(true, due(Restart), inFlight(asking(mainOne, 0))),
		"not, if the remedy could wait":              when(false, due(Restart), quietly, inFlight(asking(mainOne, 0))),
		"when its time is over":                      when(true, due(Restart), streams, full),
		"for an unload at once":                      when(true, due(Unload), streams),
		"not for one that could wait":                when(false, due(Unload), quietly, streams),
		"when the container rests, if it could wait": when(true, due(Restart), quietly),
		"not while it works":                         when(false, due(Restart), quietly, atWork),
		"while it works, if the remedy cannot wait":  when(true, due(Restart), atWork),
		"not where nothing is due":                   when(false),
		"not while Clawgate only watches":            when(false, due(Restart), passive),
		"but for a person":                           when(true, due(Restart), passive, forced),
		"not many times in a while":                  when(false, due(Restart), noRemedies),
		"for a person as often as he likes":          when(true, due(Restart), noRemedies, forced),
		"not without a budget":                       when(false, due(Restart), spending(3)),
		"without one for a start that is owed":       when(true, due(Start), spending(3), owed),
		"not for a container that would not start":   when(false, due(Restart), mismatched),
		"for a start of it":                          when(true, due(Start), mismatched),
	})
	for name, k := range map[string]*Keeper{"who only watches": serving(due(Restart), passive), "without a drain": serving()} {
		if k.finishDrain(); k.allowance.remedies.TokensAt(now) != float64(remedyAllowance.atOnce) {
			t.Errorf("%s: it counts for a remedy", name)
		}
	}
	k := serving(due(Restart), quietly, streams, func(k *Keeper) { k.remedy.drainedAt = now })
	if k.finishDrain(); !k.remedy.drainedAt.IsZero() {
		t.Error("a stream that moves again does not begin the rest anew")
	}
}

// mismatched has a driver and a library be found that do not belong together.
func mismatched(k *Keeper) {
	k.seen.Container.Seen.GPURequested, k.seen.Devices.Mismatch = true, true
}

func TestWhatADrainIsFor(t *testing.T) {
	silent := func(k *Keeper) {
		k.judgement = verdict.Judgement{Verdict: verdict.Wedged, Need: verdict.Mend, Sentence: "it is silent"}
		k.machine = Machine{State: Isolated, Plan: Plan{Rung: Restart}}
	}
	before := func(k *Keeper) {
		k.remedy.since, k.remedy.reason, k.remedy.sentence = ago(hour), "crashed", "it died"
		k.remedy.took(watch.Step{Name: "unload", Took: time.Second})
	}
	proves := func(k *Keeper) { k.judgement = verdict.Judgement{Verdict: verdict.Unproven} }
	failing := func(k *Keeper) { k.seen.Focused().Streak = failures(3, evidence.ProbeResult{}) }
	for name, c := range map[string]struct {
		given  []given
		reason string
		since  time.Duration // ago
		steps  int
	}{
		"what is found":                       {[]given{silent}, "wedged", 0, 0},
		"since it was seen first":             {[]given{silent, failing}, "wedged", time.Minute, 0},
		"a further rung":                      {[]given{silent, before}, "wedged", hour, 1},
		"a further rung, of which none tells": {[]given{silent, before, proves}, "crashed", hour, 1},
		"what a person asks for":              {[]given{silent, before, forced}, requested, hour, 1},
		"the first, of which none tells":      {[]given{silent, proves}, "unproven", 0, 0},
	} {
		k := serving(c.given...)
		k.remedy.drainedAt = ago(hour)
		told, _ := did[RemedyDue](k.decides((*Keeper).beginDrain))
		r := k.remedy
		if r.reason != c.reason || !r.since.Equal(ago(c.since)) || len(r.steps) != c.steps || !r.drainFrom.Equal(now) || !r.drainedAt.IsZero() {
			t.Errorf("%s: %+v", name, r)
		}
		if told.Reason != c.reason || told.Sentence != r.sentence || told.Rung != Restart || told.Watching {
			t.Errorf("%s: %+v", name, told)
		}
	}
	for name, c := range map[string]struct {
		given []given
		want  bool
	}{"who only watches": {[]given{silent, passive}, true}, "but for a person": {[]given{silent, passive, forced}, false}} {
		if told, _ := did[RemedyDue](serving(c.given...).decides((*Keeper).beginDrain)); told.Watching != c.want {
			t.Errorf("%s: %+v", name, told)
		}
	}
}
