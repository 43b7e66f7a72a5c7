package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// canWait has a remedy be due that can wait for a quiet moment, and has for a minute.
func canWait(k *Keeper) {
	k.judgement = verdict.Judgement{Verdict: verdict.VRAMLeak, Need: verdict.MendWhenQuiet, Answers: true, Sentence: "it leaks"}
	k.quiet = quietWait{verdict: verdict.VRAMLeak, since: ago(time.Minute), due: ago(time.Second)}
}

func TestAWaitGrowsWithEachTimeInVain(t *testing.T) {
	for fruitless, want := range map[int]time.Duration{0: hour, 1: 2 * hour, 5: 32 * hour, 6: 32 * hour, 100: 32 * hour} {
		if got := (quietWait{fruitless: fruitless}).longest(hour); got != want {
			t.Errorf("after %d in vain: %s", fruitless, got)
		}
	}
}

func TestARemedyThatCanWaitIsTaken(t *testing.T) {
	taken := func(k *Keeper) bool {
		k.awaitQuiet()
		return k.machine.State == Isolated && k.machine.Draining() && k.machine.Plan.WhenQuiet
	}
	served := inFlight(chunk(mainOne, 0))
	waited := func(d time.Duration) given { return func(k *Keeper) { k.quiet.since = ago(d) } }
	check(t, taken, map[string]decided[bool]{
		"when nobody would notice":            when(true, canWait),
		"not if nothing is due":               when(false),
		"not while it is not the model's":     when(false, canWait, stands(Verifying)),
		"not while somebody is served":        when(false, canWait, served),
		"but not for ever":                    when(true, canWait, served, waited(hour)),
		"not just then":                       when(false, canWait, served, waited(hour-1)),
		"not while Clawgate only watches":     when(false, canWait, passive),
		"not while requests wait":             when(false, canWait, func(k *Keeper) { k.turn.Traffic.Waiting = 1 }),
		"not just after one was answered":     when(false, canWait, lastTraffic(QuietFor-1)),
		"not while nobody sees the container": when(false, canWait, unwatched, waited(2*hour), served),
		"not while a stream would outlast it": when(false, canWait, waited(2*hour), inFlight(asking(mainOne, 10*time.Minute))),
		"while one would just not":            when(true, canWait, waited(2*hour), inFlight(asking(mainOne, 10*time.Minute-1))),
		"not so soon after one in vain":       when(false, canWait, served, waited(hour), func(k *Keeper) { k.quiet.fruitless = 1 }),
	})
}

func TestTheWaitBegins(t *testing.T) {
	was := func(v verdict.Verdict, due time.Duration) given {
		return func(k *Keeper) { k.quiet.verdict, k.quiet.due = v, ago(due) }
	}
	begins := func(k *Keeper) bool {
		k.awaitQuiet()
		if k.quiet.verdict != verdict.VRAMLeak || !k.quiet.due.Equal(now) {
			t.Errorf("%+v", k.quiet)
		}
		return k.quiet.since.Equal(now)
	}
	check(t, begins, map[string]decided[bool]{
		"with what is due":                   when(true, canWait, was("", 0)),
		"for another trouble":                when(true, canWait, was(verdict.Slow, 0)),
		"not for the same":                   when(false, canWait),
		"not because of another in between":  when(false, canWait, was(verdict.VRAMLeak, quietGap-1)),
		"after it was not due for some time": when(true, canWait, was(verdict.VRAMLeak, quietGap)),
	})
}

func TestTheWaitIsForgotten(t *testing.T) {
	was := func(due time.Duration) given {
		return func(k *Keeper) {
			canWait(k)
			k.judgement.Need, k.quiet.due = verdict.Nothing, ago(due)
		}
	}
	forgotten := func(k *Keeper) bool {
		k.awaitQuiet()
		return k.quiet == quietWait{}
	}
	check(t, forgotten, map[string]decided[bool]{
		"some time after it was due last": when(true, was(quietGap)),
		"not before":                      when(false, was(quietGap-1)),
		"not while it drains":             when(false, was(quietGap), stands(Isolated)),
	})
}

func TestWhoOnlyWatchesTellsOfAQuietMomentOnce(t *testing.T) {
	k := serving(canWait, passive)
	told, _ := did[RemedyDue](k.decides((*Keeper).awaitQuiet))
	if !told.Watching || told.Rung != Restart || told.Reason != string(verdict.VRAMLeak) || told.Sentence != "it leaks" {
		t.Errorf("%+v", told)
	}
	k.turn.acts = nil
	if told, again := did[RemedyDue](k.decides((*Keeper).awaitQuiet)); again {
		t.Errorf("once more: %+v", told)
	}
	if told, found := did[RemedyDue](serving(canWait, passive, stands(Verifying)).decides((*Keeper).awaitQuiet)); found {
		t.Errorf("before the model is ready: %+v", told)
	}
	if got := quietRung(verdict.Judgement{Model: otherOne}); got != Unload {
		t.Errorf("about one model: %s", got)
	}
}

func TestTheContainerRests(t *testing.T) {
	gpu := func(d time.Duration) given { return func(k *Keeper) { k.seen.Devices.WorkedAt = ago(d) } }
	rests := func(still time.Duration) func(*Keeper) bool {
		return func(k *Keeper) bool { return k.rests(still) }
	}
	check(t, rests(quietContainer), map[string]decided[bool]{
		"when it has been still":             when(true),
		"and its GPU as well":                when(true, gpu(quietContainer)),
		"not while that worked a moment ago": when(false, gpu(quietContainer-1)),
	})
	check(t, rests(quietContainer-1), map[string]decided[bool]{"not before": when(false)})
}

func TestADrainAtAQuietMomentIsDisturbed(t *testing.T) {
	drained := func(d time.Duration) given {
		return func(k *Keeper) {
			canWait(k)
			draining(k)
			k.machine.Plan.WhenQuiet, k.quiet.fruitless = true, 1
			if d > 0 {
				k.remedy.drainedAt = ago(d)
			}
		}
	}
	for name, c := range map[string]struct {
		given     []given
		rests     bool
		disturbed bool
	}{
		"not in a container at rest":     {[]given{drained(0)}, true, false},
		"not yet, while it works":        {[]given{drained(0), atWork}, false, false},
		"not a moment before":            {[]given{drained(bypassShows - 1), atWork}, false, false},
		"when it goes on working":        {[]given{drained(bypassShows), atWork}, false, true},
		"not when it has come to rest":   {[]given{drained(bypassShows)}, true, false},
		"when only its GPU goes on":      {[]given{drained(bypassShows), func(k *Keeper) { k.seen.Devices.WorkedAt = now }}, false, true},
		"not if probes alone made it so": {[]given{drained(bypassShows), probed}, true, false},
	} {
		k := serving(c.given...)
		rests := k.undisturbed()
		want := quietWait{verdict: verdict.VRAMLeak, since: now, due: now, fruitless: 2}
		if disturbed := !k.machine.Draining(); rests != c.rests || disturbed != c.disturbed || disturbed != (k.quiet == want) || k.remedy.drainedAt.IsZero() {
			t.Errorf("%s: rests: %v, %+v, %+v", name, rests, k.machine, k.quiet)
		}
	}
}

// probed has a probe have made the container work for a moment, some seconds ago.
func probed(k *Keeper) {
	pulse := watch.Pulse{}
	for _, r := range []struct{ at, cpu time.Duration }{{10 * time.Minute, 0}, {9 * time.Second, 0}, {7 * time.Second, time.Second}, {0, time.Second}} {
		pulse = pulse.Add(evidence.Activity{SeenAt: ago(r.at), CPU: r.cpu})
	}
	k.seen.Server.Pulse = pulse
}
