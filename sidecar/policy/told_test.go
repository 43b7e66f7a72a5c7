package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestTheWayBackFromIsolation(t *testing.T) {
	isolated := func(d time.Duration) given { return func(k *Keeper) { k.isolatedAt = ago(d) } }
	since := func(d time.Duration) given { return func(k *Keeper) { k.remedy.since = ago(d) } }
	mended := func(k *Keeper) {
		k.remedy.rung = Unload
		k.remedy.took(watch.Step{Name: "unload", Took: time.Second})
	}
	for name, c := range map[string]struct {
		given []given
		told  bool
		want  Recovered
		took  time.Duration // the last recovery, as it is known then
	}{
		"there was none":                {[]given{since(hour), mended}, false, Recovered{}, 0},
		"the server came back":          {[]given{isolated(time.Minute), since(hour)}, true, Recovered{FromFirstFailure: hour, FromIsolation: time.Minute}, 0},
		"nobody knows since when":       {[]given{isolated(time.Minute)}, true, Recovered{FromFirstFailure: time.Minute, FromIsolation: time.Minute}, 0},
		"what was mended came later":    {[]given{isolated(hour), since(time.Minute)}, true, Recovered{FromFirstFailure: hour, FromIsolation: hour}, 0},
		"a remedy has brought it back":  {[]given{isolated(time.Minute), mended}, true, Recovered{FromFirstFailure: time.Minute, FromIsolation: time.Minute, Rung: Unload}, time.Minute},
		"one has, but not to be served": {[]given{isolated(time.Minute), mended, stands(Verifying)}, false, Recovered{}, 0},
	} {
		k := serving(append(c.given, func(k *Keeper) { k.since = now })...)
		told, found := did[Recovered](k.decides(func(k *Keeper) { k.entered(Verifying) }))
		if steps := len(told.Steps) > 0; found != c.told || steps != (c.want.Rung != NoRung) || k.remedy.lastTook != c.took {
			t.Errorf("%s: told: %v, %+v", name, found, told)
		}
		if told.FromFirstFailure != c.want.FromFirstFailure || told.FromIsolation != c.want.FromIsolation || told.Rung != c.want.Rung {
			t.Errorf("%s: %+v", name, told)
		}
		if over := k.isolatedAt.IsZero() && k.remedy.since.IsZero() && k.remedy.steps == nil; over != c.told {
			t.Errorf("%s: it is over: %v", name, over)
		}
	}
}

func TestTroubleBeginsWithTheFirstIsolation(t *testing.T) {
	for state, want := range map[State]time.Time{Isolated: now, Starting: {}} {
		k := serving(stands(state), func(k *Keeper) { k.since = now })
		entered, _ := did[Entered](k.decides(func(k *Keeper) { k.entered(Ready) }))
		if !k.isolatedAt.Equal(want) || entered.From != Ready || entered.To != state || !entered.At.Equal(now) || entered.Generation != 1 {
			t.Errorf("%s: since %s, %+v", state, k.isolatedAt, entered)
		}
	}
	k := serving(stands(Isolated), func(k *Keeper) { k.isolatedAt = ago(hour) })
	if k.entered(Starting); !k.isolatedAt.Equal(ago(hour)) {
		t.Error("a further isolation is taken for the first")
	}
}

func TestHowLongAVerdictTook(t *testing.T) {
	failing := func(k *Keeper) { k.seen.Focused().Streak = failures(3, evidence.ProbeResult{}) }
	for name, c := range map[string]struct {
		given   given
		verdict verdict.Verdict
		want    time.Duration
	}{
		"from the first sign":      {failing, verdict.Wedged, time.Minute},
		"not one that is no fault": {failing, verdict.Busy, 0},
		"not without a sign":       {func(*Keeper) {}, verdict.Wedged, 0},
	} {
		k := serving(c.given, func(k *Keeper) { k.judgedAt = now })
		told, _ := did[Concluded](k.decides(func(k *Keeper) {
			k.judged(verdict.Judgement{Verdict: verdict.Healthy}, verdict.Judgement{Verdict: c.verdict})
		}))
		if told.Took != c.want || told.Before != verdict.Healthy || told.Judgement.Verdict != c.verdict || !told.At.Equal(now) || told.State != Ready {
			t.Errorf("%s: %+v", name, told)
		}
	}
}

func TestTheGateIsSetWhenItChanges(t *testing.T) {
	k := serving()
	if act, set := did[SetGate](k.decides((*Keeper).setGate)); set {
		t.Errorf("%+v", act)
	}
	k.machine.State = Stopped
	if act, set := did[SetGate](k.decides((*Keeper).setGate)); !set || act.Gate.All == nil {
		t.Errorf("%+v", act)
	}
	k.turn.acts = nil
	if act, again := did[SetGate](k.decides((*Keeper).setGate)); again {
		t.Errorf("again %+v", act)
	}
}

func TestStandingReadyForLongForgetsWhatWasTried(t *testing.T) {
	tried := func(k *Keeper) {
		k.machine.Tried = Attempt{Unload, mainOne}
		k.remedy.attempts, k.remedy.tried = 2, Attempts{Unloaded: true}
	}
	since := func(d time.Duration) given { return func(k *Keeper) { k.since = ago(d) } }
	forgets := func(k *Keeper) bool {
		k.forgetTrouble()
		forgotten := k.remedy.attempts == 0
		if left := k.machine.Tried != (Attempt{}) || k.remedy.tried.Unloaded; left == forgotten {
			t.Errorf("%+v, %+v", k.machine, k.remedy.tried)
		}
		return forgotten
	}
	check(t, forgets, map[string]decided[bool]{
		"after some time":              when(true, tried, since(StableAfter)),
		"not before":                   when(false, tried, since(StableAfter-1)),
		"not while it is being proven": when(false, tried, since(hour), stands(Verifying)),
		"of a rung that was for all":   when(true, tried, since(hour), func(k *Keeper) { k.machine.Tried.Model = "" }),
		"of one that was called off":   when(true, tried, since(hour), func(k *Keeper) { k.machine.Tried.Rung = NoRung }),
	})
}

func TestAReplacedServerIsBegunWithAnew(t *testing.T) {
	k := serving(beingLoaded(mainOne), open(undecided), wanted, func(k *Keeper) { k.check.running = true })
	acts := k.decides((*Keeper).anew)
	_, cancels := did[CancelProbe](acts)
	_, callsOff := did[CallOffLoad](acts)
	_, ends := did[CallOffCheck](acts)
	_, forgets := did[ForgetServer](acts)
	concluded, _ := did[Concluded](acts)
	if !cancels || !callsOff || !ends || !forgets || concluded.Judgement.Verdict != verdict.Unproven || len(k.looks.wanted) > 0 {
		t.Errorf("%v, %v, %v, %v, %+v", cancels, callsOff, ends, forgets, concluded)
	}
	if k.machine.State != Starting || k.seen.Server.Answered || !k.probes.next.Equal(now) || !k.judgedAt.Equal(now) || k.seen.Focused().Streak.Successes > 0 {
		t.Errorf("%s, %+v", k.machine.State, k.seen.Server)
	}
	k = serving(func(k *Keeper) { k.judgement = verdict.Judgement{Verdict: verdict.Wedged} })
	if _, told := did[Concluded](k.decides((*Keeper).lookAnew)); told || k.judgement.Verdict != verdict.Wedged || k.seen.Focused().Streak.Successes == 0 {
		t.Errorf("what speaks ill of it is forgotten: %+v", k.judgement)
	}
}

func TestAClockThatJumpedIsNoted(t *testing.T) {
	for by, want := range map[time.Duration]time.Time{time.Minute: now, -time.Minute: now, 0: {}} {
		k := serving(func(k *Keeper) { k.turn.ClockJumped = by })
		if k.sawClock(); !k.seen.ClockJumpedAt.Equal(want) {
			t.Errorf("by %s: %s", by, k.seen.ClockJumpedAt)
		}
	}
}

func TestAnErrorIsWrittenDownAsItsText(t *testing.T) {
	k := serving()
	k.warn("it failed", "err", ErrRecovering, "n", 7)
	if line, _ := did[Tell](k.turn.acts); !slices.Equal(line.With, []any{"err", ErrRecovering.Error(), "n", 7}) || line.Level != Warn {
		t.Errorf("%+v", line)
	}
}
