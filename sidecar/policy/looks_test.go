package policy

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// wanted has looks at runners wanted, and hint an error about a model wait for one.
func wanted(k *Keeper) { k.looks.want(otherOne) }

func hint(kind evidence.SignKind, model string) given {
	return func(k *Keeper) { k.hinted(evidence.Sign{Kind: kind, Model: model, At: ago(time.Second)}) }
}

// lookedBefore has looks have begun so long ago, the newest first.
func lookedBefore(since ...time.Duration) given {
	return func(k *Keeper) {
		for i, d := range since {
			k.looks.began[i] = ago(d)
		}
	}
}

func TestALookAtTheProcesses(t *testing.T) {
	lately := func(n int) given { return lookedBefore(slices.Repeat([]time.Duration{lookPause - 1}, n)...) }
	died := hint(evidence.SignRunnerDied, otherOne)
	failed := func(d time.Duration) given { return func(k *Keeper) { k.looks.failed = ago(d) } }
	looks := func(k *Keeper) bool {
		_, found := did[LookAtProcesses](k.decides((*Keeper).lookCloser))
		return found
	}
	check(t, looks, map[string]decided[bool]{
		"not without a reason":                         when(false),
		"when a runner may have come":                  when(true, wanted),
		"when one may have died":                       when(true, died),
		"when the last one tells nothing any more":     when(true, func(k *Keeper) { k.turn.LookOutdated = true }),
		"not beside one that is under way":             when(false, wanted, func(k *Keeper) { k.looks.running = true }),
		"not during a remedy":                          when(false, wanted, stands(Recovering)),
		"while there were few of late":                 when(true, wanted, lately(lookBurst-lookSpare-1)),
		"not while there were some":                    when(false, wanted, lately(lookBurst-lookSpare)),
		"when those are some time ago":                 when(true, wanted, lookedBefore(lookPause, lookPause, lookPause)),
		"for a hint, while there were some":            when(true, died, lately(lookBurst-1)),
		"not for a hint either, while there were many": when(false, died, lately(lookBurst)),
		"not just after one that brought nothing":      when(false, wanted, failed(lookAgain-1)),
		"a while after that":                           when(true, wanted, failed(lookAgain)),
		"for a hint, even then":                        when(true, died, failed(0)),
	})
}

func TestWhatALookIsAt(t *testing.T) {
	k := serving(wanted, hint(evidence.SignRunnerDied, "third:latest"), loaded(evidence.LoadedModel{Name: "fourth:latest"}), lookedBefore(hour))
	k.turn.acts = nil
	act, _ := did[LookAtProcesses](k.decides((*Keeper).lookCloser))
	if want := []string{mainOne, otherOne, mainOne, "fourth:latest", "third:latest"}; act.Generation != 1 || !slices.Equal(act.Models, want) {
		t.Errorf("%+v", act)
	}
	if !k.looks.running || len(k.looks.wanted) > 0 || !k.looks.unlisted || !k.looks.began[0].Equal(now) || !k.looks.began[1].Equal(ago(hour)) {
		t.Errorf("%+v", k.looks)
	}
	for unlisted, before := range map[bool]bool{true: true, false: false} {
		k = serving(hint(evidence.SignRunnerDied, otherOne), func(k *Keeper) { k.looks.unlisted = before })
		if k.lookCloser(); k.looks.unlisted != unlisted {
			t.Errorf("a look for a hint makes of unlisted %v %v", before, k.looks.unlisted)
		}
	}
}

func TestLooksThatAreWantedAreBounded(t *testing.T) {
	l := looks{}
	l.want(otherOne)
	if l.want(otherOne); len(l.wanted) != 1 {
		t.Errorf("%v", l.wanted)
	}
	for i := range 2 * watch.MostHints {
		l.want(strconv.Itoa(i))
	}
	if len(l.wanted) != watch.MostHints {
		t.Errorf("%v", l.wanted)
	}
	if l.forget(); len(l.wanted) > 0 || l.running {
		t.Errorf("%+v", l)
	}
}

func TestAnErrorIsAHint(t *testing.T) {
	for model, want := range map[string]bool{otherOne: true, mainOne: true, "": false, "big-cloud": false} {
		k := serving()
		kick, _ := did[Kick](k.decides(hint(evidence.SignRunnerDied, model)))
		if noted := len(k.seen.Hints.Pending()) == 1; noted != want || !kick.Inspect {
			t.Errorf("about %q: noted: %v, %+v", model, noted, kick)
		}
	}
	k := serving()
	for i := range watch.MostHints {
		hint(evidence.SignRunnerDied, strconv.Itoa(i))(k)
	}
	hint(evidence.SignRunnerDied, otherOne)(k)
	hint(evidence.SignRunnerDied, mainOne)(k)
	if pending := k.seen.Hints.Pending(); slices.Contains(pending, otherOne) || !slices.Contains(pending, mainOne) {
		t.Errorf("of many there are %v", pending)
	}
}

func TestWhatALookMakesOfAHint(t *testing.T) {
	found := func(f watch.Finding) watch.ProcessesSeen {
		return watch.ProcessesSeen{At: now, Models: map[string]watch.Finding{mainOne: f}}
	}
	died, memory := evidence.SignRunnerDied, evidence.SignOutOfMemory
	for name, c := range map[string]struct {
		kind           evidence.SignKind
		look           watch.ProcessesSeen
		deaths, noRoom int
		asked, pending bool
	}{
		"a runner is gone":               {died, found(watch.Ended), 1, 0, false, false},
		"it is gone for want of memory":  {memory, found(watch.Ended), 0, 1, false, false},
		"it lives":                       {died, found(watch.Lives), 0, 0, false, false},
		"it lives, and a load failed":    {memory, found(watch.Lives), 0, 0, true, false},
		"nobody can tell":                {died, found(watch.Unclear), 0, 0, true, false},
		"nobody can tell why it is gone": {memory, found(watch.Unclear), 0, 0, true, false},
		"the look failed":                {died, watch.ProcessesSeen{At: now, Err: "no top"}, 0, 0, true, false},
		"the look began before the hint": {died, watch.ProcessesSeen{At: ago(hour), Models: map[string]watch.Finding{mainOne: watch.Lives}}, 0, 0, false, true},
	} {
		k := serving(hint(c.kind, mainOne), func(k *Keeper) { k.looks.running, k.turn.acts = true, nil })
		if _, told := did[Tell](k.decides(func(k *Keeper) { k.ended(c.look) })); told == c.pending {
			t.Errorf("%s: it is told what came of it: %v", name, told)
		}
		of := k.seen.Focused()
		if of.Crashes.Len() != c.deaths || of.NoRoom.Len() != c.noRoom || k.unclear() != c.asked || len(k.seen.Hints.Pending()) == 1 != c.pending {
			t.Errorf("%s: %d deaths, %d times no room, in doubt: %v", name, of.Crashes.Len(), of.NoRoom.Len(), k.unclear())
		}
		if k.looks.running || k.looks.failed.Equal(now) != (c.look.Err != "") {
			t.Errorf("%s: %+v", name, k.looks)
		}
	}
}

func TestALookThatFailedShowsNothingOfTheOneBefore(t *testing.T) {
	k := serving()
	k.ended(watch.ProcessesSeen{At: now, Models: map[string]watch.Finding{mainOne: watch.Lives}})
	hint(evidence.SignRunnerDied, mainOne)(k)
	if k.ended(watch.ProcessesSeen{At: now, Err: "no top"}); !k.unclear() {
		t.Error("a runner lives because it did")
	}
}

func TestAModelIsAskedAboutAHintAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		model string
		asked time.Duration // when it was asked last, ago
		next  time.Duration // from now, the next probe as planned
		want  time.Duration
	}{
		"which is looked at":             {mainOne, time.Minute, hour, -55 * time.Second},
		"but not more often than is fit": {mainOne, time.Second, hour, 4 * time.Second},
		"not later than it would be":     {mainOne, time.Second, 0, 0},
		"not which is not looked at":     {otherOne, time.Minute, hour, hour},
	} {
		k := serving(func(k *Keeper) { k.probes.asked, k.probes.next = ago(c.asked), now.Add(c.next) })
		if k.askAbout(evidence.Sign{Model: c.model, At: now}); k.probes.next.Sub(now) != c.want {
			t.Errorf("%s: in %s", name, k.probes.next.Sub(now))
		}
	}
}

func TestAModelInDoubtIsAskedBesideItsClients(t *testing.T) {
	waits := inFlight(asking(mainOne, 0))
	asked := func(d time.Duration) given { return func(k *Keeper) { k.looks.askedBeside = ago(d) } }
	check(t, func(k *Keeper) bool { return k.asksUnclear(k.picture()) }, map[string]decided[bool]{
		"who wait":                         when(true, unclear(mainOne), waits),
		"not without doubt":                when(false, waits),
		"not in doubt of another":          when(false, unclear(otherOne), waits),
		"not after it has answered":        when(false, unclear(mainOne), waits, func(k *Keeper) { k.seen.Focused().Token = now }),
		"not without any":                  when(false, unclear(mainOne)),
		"not beside another's":             when(false, unclear(mainOne), inFlight(asking(otherOne, 0))),
		"not beside who has got a token":   when(false, unclear(mainOne), inFlight(chunk(mainOne, 0))),
		"not a moment after the last time": when(false, unclear(mainOne), waits, asked(unclearPause-1)),
		"some time after that":             when(true, unclear(mainOne), waits, asked(unclearPause)),
	})
}
