package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// What open attempts are called in the tables.
var (
	undecided  = attempt{began: ago(10 * time.Second)}
	overdue    = attempt{began: ago(10 * time.Second), waitsFor: "a first chunk"}
	counted    = attempt{began: ago(30 * time.Second), waitsFor: "a first chunk", counted: true}
	superseded = attempt{began: ago(2 * time.Minute), waitsFor: "a first chunk", counted: true, superseded: true}
)

// open has attempts wait, numbered from 1 on, that ask the model which is looked at.
func open(attempts ...attempt) given {
	return func(k *Keeper) {
		for _, a := range attempts {
			k.probes.lastID++
			a.id, a.target = k.probes.lastID, k.seen.Focus
			k.probes.open = append(k.probes.open, &a)
		}
	}
}

func probeDue(k *Keeper) { k.probes.next = now }

func TestAProbeIsSent(t *testing.T) {
	waits := inFlight(asking(mainOne, 10*time.Second))
	asked := func(d time.Duration) given { return func(k *Keeper) { k.probes.asked = ago(d) } }
	sends := func(k *Keeper) bool { _, sent := did[SendProbe](k.decides((*Keeper).planProbe)); return sent }
	check(t, sends, map[string]decided[bool]{
		"when it is due":                             when(true, probeDue),
		"not before":                                 when(false),
		"not while something holds it":               when(false, probeDue, stands(Recovering)),
		"not while one has decided nothing":          when(false, probeDue, open(undecided)),
		"whatever else is heard":                     when(false, probeDue, open(undecided, counted)),
		"while one that has failed is still heard":   when(true, probeDue, open(counted)),
		"while as many have failed as are worth it":  when(true, probeDue, open(counted, counted, counted)),
		"not while more have":                        when(false, probeDue, open(counted, counted, counted, counted)),
		"while one is heard no more":                 when(true, probeDue, open(superseded, superseded, superseded, superseded)),
		"not more often than anybody has reason to":  when(false, probeDue, func(k *Keeper) { k.allowance.probes.AllowN(now, 10) }),
		"at once, while a client waits":              when(true, waits),
		"as soon as the last one is some time ago":   when(true, waits, asked(5*time.Second)),
		"not while that was a moment ago":            when(false, waits, asked(5*time.Second-1)),
		"not at once for a client of another model":  when(false, inFlight(asking(otherOne, 10*time.Second))),
		"not at once while one has decided nothing":  when(false, waits, open(undecided)),
		"not at once after one that failed":          when(false, waits, unanswered),
		"not at once while the server works for him": when(false, waits, atWork),
	})
}

func TestAPlanBeginsWithWhatIsOpen(t *testing.T) {
	k := serving(open(overdue, attempt{began: ago(hour), counted: true}))
	if k.planProbe(); k.seen.Focused().Streak.Failures != 1 || !k.probes.find(2).superseded {
		t.Errorf("%+v, %+v", k.seen.Focused().Streak, k.probes.find(2))
	}
	k = serving(open(undecided), inFlight(asking(mainOne, 10*time.Second)))
	if k.planProbe(); !k.probes.next.Equal(now.Add(hour)) {
		t.Errorf("while one has decided nothing the next is put to %s", k.probes.next)
	}
}

func TestAProbeThatIsHeldIsPutOff(t *testing.T) {
	k := serving(probeDue, pulls)
	k.planProbe()
	if k.seen.Focused().Streak.Inconclusive != "the model is being pulled" || !k.probes.next.Equal(now.Add(5*time.Second)) {
		t.Errorf("%q, until %s", k.seen.Focused().Streak.Inconclusive, k.probes.next)
	}
}

func TestWhatAProbeAsks(t *testing.T) {
	rests := func(k *Keeper) { k.since = ago(hour) }
	const spare = "the model's keep-alive has passed; a probe would keep it in memory"
	send := func(k *Keeper) SendProbe {
		sent, _ := did[SendProbe](k.decides(func(k *Keeper) { k.sendProbe(k.picture()) }))
		if !k.probes.asked.Equal(now) || !k.probes.next.Equal(now.Add(30*time.Second)) || k.probes.anyway || k.probes.find(sent.ID).unlisted != sent.Unlisted {
			t.Errorf("%+v is noted of %+v", k.probes, sent)
		}
		return sent
	}
	check(t, send, map[string]decided[SendProbe]{
		"the main model":               when(SendProbe{Generation: 1, ID: 1, Target: mainOne}),
		"under a number of its own":    when(SendProbe{Generation: 1, ID: 3, Target: mainOne}, open(counted, counted)),
		"the model that is looked at":  when(SendProbe{Generation: 1, ID: 1, Target: otherOne}, aside),
		"other words of a hollow one":  when(SendProbe{Generation: 1, ID: 1, Target: mainOne, Varied: true}, hollowly(mainOne)),
		"not what is to leave memory":  when(SendProbe{Generation: 1, ID: 1, Target: mainOne, Spare: spare}, rests),
		"even where no list has it":    when(SendProbe{Generation: 1, ID: 1, Target: mainOne, Unlisted: true}, func(k *Keeper) { k.probes.anyway = true }),
		"in doubt, beside who waits":   when(SendProbe{Generation: 1, ID: 1, Target: mainOne, Unlisted: true}, unclear(mainOne), inFlight(asking(mainOne, 0))),
		"in the next run, as its look": when(SendProbe{Generation: 2, ID: 1, Target: mainOne}, func(k *Keeper) { k.seen.LookAnew(now) }),
	})
}

func TestAProbeInDoubtIsSentOnceInAWhile(t *testing.T) {
	for doubted, want := range map[bool]time.Time{true: now, false: {}} {
		k := serving(inFlight(asking(mainOne, 0)))
		if doubted {
			unclear(mainOne)(k)
		}
		if k.sendProbe(k.picture()); !k.looks.askedBeside.Equal(want) {
			t.Errorf("in doubt: %v, asked beside a client %s", doubted, k.looks.askedBeside)
		}
	}
}

func TestWhoIsHeardNoLonger(t *testing.T) {
	old := attempt{began: ago(2 * time.Minute), counted: true}
	young := attempt{began: ago(patience - 1), counted: true}
	lost := func(n int) given { return func(k *Keeper) { open(slices.Repeat([]attempt{superseded}, n)...)(k) } }
	for name, c := range map[string]struct {
		given  []given
		gaveUp uint64 // the attempt that is heard no longer, 0 for none
		cancel uint64 // the one that is called off
	}{
		"nobody":                            {nil, 0, 0},
		"who has failed for long":           {[]given{open(old)}, 1, 0},
		"just so long":                      {[]given{open(attempt{began: ago(patience), counted: true})}, 1, 0},
		"not who failed a moment ago":       {[]given{open(young)}, 0, 0},
		"not who has not failed":            {[]given{open(attempt{began: ago(hour)})}, 0, 0},
		"the oldest that is heard":          {[]given{open(superseded, old, old)}, 2, 0},
		"not one after another":             {[]given{open(old), func(k *Keeper) { k.probes.gaveUp = ago(patience - 1) }}, 0, 0},
		"the next one in a while":           {[]given{open(old), func(k *Keeper) { k.probes.gaveUp = ago(patience) }}, 1, 0},
		"nobody is called off":              {[]given{lost(mostOpen)}, 0, 0},
		"until there is no room for others": {[]given{lost(mostOpen + 1)}, 0, 1},
	} {
		k := serving(c.given...)
		before := map[uint64]bool{}
		for _, a := range k.probes.open {
			before[a.id] = a.superseded
		}
		cancelled, _ := did[CancelProbe](k.decides((*Keeper).giveUp))
		var gaveUp uint64
		for _, a := range k.probes.open {
			if a.superseded && !before[a.id] {
				gaveUp += a.id
			}
		}
		if gaveUp != c.gaveUp || cancelled.ID != c.cancel || gaveUp != 0 && !k.probes.gaveUp.Equal(now) {
			t.Errorf("%s: %d is heard no longer, %d called off", name, gaveUp, cancelled.ID)
		}
	}
}

func TestSilenceCounts(t *testing.T) {
	list := overdue
	list.forList = true
	starts := func(k *Keeper) { k.seen.Server.Answered, k.seen.Container.Seen.StartedAt = false, ago(time.Minute) }
	judged := func(k *Keeper) int {
		acts := k.decides(func(k *Keeper) { k.judgeOverdue(k.picture()) })
		streak, a := k.seen.Focused().Streak, k.probes.open[0]
		_, told := did[Probed](acts)
		if fails := streak.Failures > 0; fails != told || fails && (!a.counted || streak.Last.Server != a.forList || !k.probes.next.Equal(a.began.Add(5*time.Second))) {
			t.Errorf("told: %v, %+v, %+v, next at %s", told, streak, a, k.probes.next)
		}
		return streak.Failures
	}
	check(t, judged, map[string]decided[int]{
		"of a still server":              when(1, open(overdue)),
		"of two attempts":                when(2, open(overdue, overdue)),
		"of its list of loaded models":   when(1, open(list)),
		"not before it is overdue":       when(0, open(undecided)),
		"not twice":                      when(0, open(counted)),
		"not if something else counts":   when(0, open(attempt{began: overdue.began, waitsFor: "a first chunk", superseded: true})),
		"not while the server works":     when(0, open(overdue), atWork),
		"not of a list while it starts":  when(0, open(list), starts),
		"but of a model while it starts": when(1, open(overdue), starts),
	})
	k := serving(open(overdue), atWork)
	if k.judgeOverdue(k.picture()); k.probes.open[0].counted || k.seen.Focused().Streak.Inconclusive != "waiting while the container works" {
		t.Errorf("of a working server %+v", k.seen.Focused().Streak)
	}
}

func TestTheServerStarts(t *testing.T) {
	silentFor := func(d time.Duration) given {
		return func(k *Keeper) { k.seen.Server.Answered, k.seen.Container.Seen.StartedAt = false, ago(d) }
	}
	check(t, (*Keeper).serverStarts, map[string]decided[bool]{
		"until it has found its GPUs": when(true, silentFor(verdict.ServerStart-1)),
		"not for ever":                when(false, silentFor(verdict.ServerStart)),
		"not after its first answer":  when(false, silentFor(time.Second), func(k *Keeper) { k.seen.Server.Answered = true }),
		"not if nobody knows when":    when(false, silentFor(time.Second), func(k *Keeper) { k.seen.Container.Known = false }),
		"not with another container":  when(false, another, silentFor(time.Second)),
	})
}

func TestAnAttemptThatHasEnded(t *testing.T) {
	k := serving(open(counted, undecided))
	k.ended(watch.ProbeOverdue{ID: 2, WaitsFor: "the list", List: true})
	k.ended(watch.ProbeOverdue{ID: 9, WaitsFor: "nobody"})
	if a := k.probes.find(2); a.waitsFor != "the list" || !a.forList || k.probes.find(1).forList {
		t.Errorf("%+v is overdue", a)
	}
	k.ended(watch.ProbeEnded{ID: 1})
	if k.probes.find(1) != nil || k.probes.find(2) == nil || len(k.probes.open) != 1 {
		t.Errorf("%d are open", len(k.probes.open))
	}
	cancelled, _ := did[CancelProbe](k.decides((*Keeper).cancelProbes))
	if cancelled.ID != 2 || len(k.probes.open) > 0 {
		t.Errorf("%d is called off, %d are open", cancelled.ID, len(k.probes.open))
	}
}

func TestAnAttemptHasAskedSince(t *testing.T) {
	asks := func(k *Keeper) bool { return k.probes.asksSince(ago(10 * time.Second)) }
	check(t, asks, map[string]decided[bool]{
		"if it began after that":     when(true, open(attempt{began: ago(9 * time.Second)})),
		"not just then":              when(false, open(undecided)),
		"not if it has failed":       when(false, open(attempt{began: now, counted: true})),
		"not if it counts no longer": when(false, open(attempt{began: now, superseded: true})),
	})
}
