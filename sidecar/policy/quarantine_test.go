package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestEachTimeAModelIsKeptOutForLonger(t *testing.T) {
	k := serving()
	for i, want := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute, 2 * hour, 2 * hour} {
		k.turn.acts = nil
		told, _ := did[Quarantined](k.decides(func(k *Keeper) { k.keepOut(otherOne, ago(time.Minute), verdict.Crashed, "it died") }))
		of := k.seen.Models.Get(otherOne).Quarantine
		if of.Lasts != want || !of.Until.Equal(ago(time.Minute).Add(want)) || told.Model != otherOne || told.Verdict != verdict.Crashed || told.Reason != of.Reason {
			t.Errorf("the time %d: %+v, %+v", i+1, of, told)
		}
	}
}

func TestAModelThatIsKeptOutIsAskedBeforeTheNextTime(t *testing.T) {
	k := serving(hollowly(otherOne))
	k.keepOut(otherOne, now, verdict.Garbage, "it said nothing")
	if k.seen.Models.Get(otherOne).Hollow.Answers > 0 {
		t.Error("what it said before counts")
	}
}

func TestAModelThatNothingMendsIsSetAside(t *testing.T) {
	beyondHelp := func(k *Keeper) { k.machine = Machine{State: Exhausted, Target: otherOne} }
	sets := func(k *Keeper) bool {
		told, kept := did[Quarantined](k.decides((*Keeper).setAside))
		if kept && (told.Model != otherOne || told.Verdict != k.judgement.Verdict || k.machine.State != Starting || k.Focus() != mainOne) {
			t.Errorf("%+v, %s, it looks at %s", told, k.machine.State, k.Focus())
		}
		return kept
	}
	check(t, sets, map[string]decided[bool]{
		"while it is not looked at":       when(true, beyondHelp),
		"while it is":                     when(true, beyondHelp, aside),
		"not while there is help":         when(false, beyondHelp, stands(Isolated)),
		"not the whole server":            when(false, beyondHelp, func(k *Keeper) { k.machine.Target = "" }),
		"not the main model":              when(false, beyondHelp, func(k *Keeper) { k.machine.Target = mainOne }),
		"not while Clawgate only watches": when(false, beyondHelp, passive),
	})
	k := serving(beyondHelp, open(undecided))
	if k.setAside(); k.probes.open[0].superseded {
		t.Error("the main model, which is looked at, is looked at anew")
	}
}

func TestTheGateIsShutForWhomIsKeptOut(t *testing.T) {
	until := func(end time.Time) given {
		return func(k *Keeper) { k.seen.Models.Of(otherOne).Quarantine.Until = end }
	}
	check(t, func(k *Keeper) string { k.setGate(); return closed(k.gate) }, map[string]decided[string]{
		"nobody":              when(""),
		"one":                 when(otherOne, until(now.Add(1))),
		"two":                 when(otherOne+" third:latest", until(now.Add(1)), func(k *Keeper) { k.seen.Models.Of("third:latest").Quarantine.Until = now.Add(1) }),
		"not when it is over": when("", until(now)),
	})
	k := serving(until(now.Add(1)), func(k *Keeper) { k.seen.Models.Of(otherOne).Quarantine.Reason = "it dies" })
	if shut := k.keptOut()[otherOne]; shut.Reason != "it dies" || !shut.ExpectedOpen.Equal(now.Add(1)) || len(k.keptOut()) != 1 {
		t.Errorf("%+v", shut)
	}
}
