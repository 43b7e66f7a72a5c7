package policy

import (
	"github.com/clawdbot/clawgate/sidecar/watch"
	"testing"
	"time"
)

// looksAt is the model that the probe looks at after a decision.
func looksAt(decision given) func(*Keeper) string {
	return func(k *Keeper) string {
		decision(k)
		return k.Focus()
	}
}

func otherWaits(k *Keeper) { inFlight(asking(otherOne, 10*time.Second))(k) }

func noTurns(k *Keeper) { k.allowance.turns.AllowN(now, 6) }

func TestAModelIsSuspected(t *testing.T) {
	suspect := looksAt(func(k *Keeper) { k.suspect(otherOne) })
	began := func(d time.Duration) given { return open(attempt{began: ago(d)}) }
	check(t, suspect, map[string]decided[string]{
		"whose clients wait in a still server":             when(otherOne, otherWaits),
		"not without one who waits":                        when(mainOne),
		"not while the server works":                       when(mainOne, otherWaits, atWork),
		"not if it is the main one's who wait":             when(mainOne, inFlight(asking(mainOne, 10*time.Second))),
		"not while the main model is in trouble":           when(mainOne, otherWaits, unanswered),
		"not while a probe of it may yet tell":             when(mainOne, otherWaits, began(answersWithin-1)),
		"while one has told nothing for long":              when(otherOne, otherWaits, began(answersWithin)),
		"not more often than clients may bring that about": when(mainOne, otherWaits, noTurns),
	})
	for _, model := range []string{"", "big-cloud"} {
		k := serving(inFlight(asking(model, 10*time.Second)))
		if k.suspect(model); k.Focus() != mainOne {
			t.Errorf("%q is looked at", model)
		}
	}
}

func TestALookAsideEnds(t *testing.T) {
	long := func(k *Keeper) {
		aside(k)
		k.probes.turnedAt = ago(besideSilence)
	}
	doubted := func(at time.Time) given { return func(k *Keeper) { k.seen.Devices.DoubtedAt = at } }
	check(t, looksAt((*Keeper).focusOnMain), map[string]decided[string]{
		"after a while":                           when(mainOne, long),
		"not before":                              when(otherOne, aside),
		"not while that model is in trouble":      when(otherOne, long, unanswered),
		"not while it is about to be mended":      when(otherOne, long, draining),
		"while it is only kept out":               when(mainOne, long, stands(Isolated)),
		"while a drain is not for it":             when(mainOne, long, func(k *Keeper) { k.machine.Plan = Plan{Rung: Restart} }),
		"not while it is being mended":            when(otherOne, long, stands(Recovering)),
		"at once, when a GPU came into question":  when(mainOne, aside, doubted(now)),
		"whatever its trouble":                    when(mainOne, aside, doubted(now), unanswered, draining),
		"not if one had come into question":       when(otherOne, aside, doubted(ago(time.Minute))),
		"not during a remedy, whatever came":      when(otherOne, aside, doubted(now), stands(Recovering)),
		"nothing, if the probe is not aside":      when(mainOne),
		"after a remedy that has not proved much": when(mainOne, long, stands(Verifying)),
	})
	k := serving(beginningTrouble)
	if k.focusOnMain(); k.probes.turnedAt.Equal(now) {
		t.Error("it turns to the model that it looks at")
	}
}

// beginningTrouble is what is noted of trouble that goes on.
func beginningTrouble(k *Keeper) {
	k.isolatedAt, k.remedy.since = ago(time.Minute), ago(time.Minute)
	k.remedy.took(watch.Step{Name: "unload", Took: time.Second})
}

func TestTheAccountOfAnothersTroubleEndsWithTheLook(t *testing.T) {
	for state, ends := range map[State]bool{Verifying: true, Ready: false} {
		k := serving(stands(state), aside, beginningTrouble, func(k *Keeper) { k.probes.turnedAt = ago(hour) })
		k.focusOnMain()
		if k.isolatedAt.IsZero() != ends || k.remedy.since.IsZero() != ends || len(k.remedy.steps) == 0 != ends {
			t.Errorf("in %s: since %s, %s, %v", state, k.isolatedAt, k.remedy.since, k.remedy.steps)
		}
	}
}

func TestALookAsideNowAndThen(t *testing.T) {
	answers := func(k *Keeper) { k.seen.Models.Of(otherOne).Answers = true }
	turned := func(d time.Duration) given { return func(k *Keeper) { k.probes.turnedAt = ago(d) } }
	third := func(k *Keeper) {
		k.focusOn("third:latest")
		k.probes.turnedAt = time.Time{}
	}
	check(t, looksAt((*Keeper).focusOnWaiting), map[string]decided[string]{
		"at one whose clients wait":           when(otherOne, otherWaits, answers),
		"a minute after the last one":         when(otherOne, otherWaits, answers, turned(besideSilence)),
		"not before":                          when(mainOne, otherWaits, answers, turned(besideSilence-1)),
		"not without one who waits":           when(mainOne, answers),
		"not if it may be a load":             when(mainOne, otherWaits),
		"not before the main model is ready":  when(mainOne, otherWaits, answers, stands(Verifying)),
		"not while another has its look":      when("third:latest", otherWaits, answers, third),
		"not more often than clients may ask": when(mainOne, otherWaits, answers, noTurns),
	})
}

func TestNoLookAsideAtTheMainModel(t *testing.T) {
	k := serving(open(undecided), inFlight(asking(mainOne, 10*time.Second)), func(k *Keeper) {
		k.seen.Focused().Answers, k.probes.open[0].began = true, ago(hour)
	})
	if k.focusOnWaiting(); k.probes.open[0].superseded || k.probes.turnedAt.Equal(now) {
		t.Error("what asks it counts no more")
	}
}
