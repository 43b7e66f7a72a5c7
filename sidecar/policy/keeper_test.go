package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestTheFirstTurn(t *testing.T) {
	for _, observe := range []bool{false, true} {
		k := New(Settings{Main: mainOne, Observe: observe})
		acts := k.Begin(now, Inputs{Spent: 2})
		entered, _ := did[Entered](acts)
		gate, set := did[SetGate](acts)
		if entered.To != Starting || entered.Judgement.Verdict != verdict.Unproven || !entered.At.Equal(now) || !set || gate.Gate.All == nil == !observe {
			t.Errorf("%+v, %+v", entered, gate)
		}
		if k.machine != (Machine{State: Starting, Passive: observe}) || !k.since.Equal(now) || !k.judgedAt.Equal(now) || k.judgement.Need != verdict.Proof || k.turn.Spent != 2 {
			t.Errorf("%+v, %+v", k.machine, k.judgement)
		}
	}
}

// has says that an act of a kind is among those of a turn.
func has[A Act](_ *Keeper, acts []Act) bool {
	_, found := did[A](acts)
	return found
}

// wedged has the main model be silent in a still server.
func wedged(k *Keeper) { k.seen.Focused().Streak = failures(3, evidence.ProbeResult{}) }

func TestATurnTakesEachDecision(t *testing.T) {
	says := func(text string) func(*Keeper, []Act) bool {
		return func(_ *Keeper, acts []Act) bool { line, _ := did[Tell](acts); return line.Text == text }
	}
	turnsTo := func(model string) func(*Keeper, []Act) bool {
		return func(k *Keeper, _ []Act) bool { return k.Focus() == model }
	}
	doubts := func(k *Keeper, _ []Act) bool { return k.seen.Devices.DoubtedAt.Equal(now) }
	stands := func(s State) func(*Keeper, []Act) bool {
		return func(k *Keeper, _ []Act) bool { return k.machine.State == s }
	}
	leaks := func(k *Keeper) {
		k.since, k.seen.Container.Seen.GPURequested = ago(time.Minute), true
		notLoaded(k)
		viewed(k, -time.Minute, 0, gpuHeld("GPU-1", "c1"))
		canWait(k)
	}
	for name, c := range map[string]struct {
		given []given
		done  func(*Keeper, []Act) bool
	}{
		"the clock jumped":                  {[]given{func(k *Keeper) { k.turn.ClockJumped = time.Minute }}, says("the wall clock jumped; no remedy is begun for a while")},
		"another server answers":            {[]given{another, func(k *Keeper) { k.seen.Role.Heard(now, now) }}, says("nothing can be healed")},
		"the driver reports an error":       {[]given{func(k *Keeper) { k.turn.Xids = []evidence.Xid{{At: now, Code: 79}} }}, doubts},
		"the model is silent":               {[]given{wedged}, has[Concluded]},
		"and a remedy is due for it":        {[]given{wedged}, has[RemedyDue]},
		"and it is taken, if nothing moves": {[]given{wedged}, has[TakeRemedy]},
		"a person has stopped it":           {[]given{container(evidence.Exited), byAPerson}, has[SetGate]},
		"a runner is to be looked at":       {[]given{wanted}, has[LookAtProcesses]},
		"a pause is over":                   {[]given{beyondBackoff}, stands(Starting)},
		"another was looked at for long":    {[]given{aside, answers, func(k *Keeper) { k.probes.turnedAt = ago(hour) }}, turnsTo(mainOne)},
		"another's clients wait":            {[]given{otherWaits, func(k *Keeper) { k.seen.Models.Of(otherOne).Answers = true }}, turnsTo(otherOne)},
		"a stream proves the GPU":           {[]given{func(k *Keeper) { k.seen.Focused().Doubted = true }}, func(k *Keeper, _ []Act) bool { return !k.seen.Focused().Doubted }},
		"a probe is due":                    {[]given{probeDue}, has[SendProbe]},
		"refusals are in doubt":             {[]given{refusing}, has[CheckRefusal]},
		"a remedy can wait":                 {[]given{leaks}, has[TakeRemedy]},
		"others were in memory before":      {[]given{func(k *Keeper) { k.loads.restore = []evidence.LoadedModel{{Name: otherOne}} }}, has[Restore]},
		"the model has been ready for long": {[]given{func(k *Keeper) { k.since, k.remedy.attempts = ago(hour), 3 }}, func(k *Keeper, _ []Act) bool { return k.remedy.attempts == 0 }},
		"nothing has mended another":        {[]given{beyondHelp}, has[Quarantined]},
	} {
		k := serving(c.given...)
		k.turn.acts = nil
		if acts := k.sees(watch.Tick{}); !c.done(k, acts) {
			t.Errorf("%s: %+v, %s, it looks at %s", name, acts, k.machine.State, k.Focus())
		}
	}
	if acts := serving().sees(watch.Tick{}); len(acts) > 0 {
		t.Errorf("a server that is well has %+v be done", acts)
	}
}

func answers(k *Keeper)       { k.seen.Focused().Streak = proved() }
func beyondBackoff(k *Keeper) { k.machine.State, k.remedy.backoff = Backoff, now; unproved(k) }

// beyondHelp has a model beside the main one be a person's.
func beyondHelp(k *Keeper) {
	aside(k)
	for range 2 {
		k.seen.Focused().Unloaded(now)
	}
	wedged(k)
}

func TestATurnForgetsTheOneBefore(t *testing.T) {
	k := serving(wanted)
	if k.sees(watch.Tick{}); len(k.turn.acts) == 0 {
		t.Fatal("nothing was done")
	}
	if acts := k.Turn(now.Add(time.Second), Inputs{Spent: 1}, watch.Tick{}); len(acts) > 0 || !k.turn.now.Equal(now.Add(time.Second)) || k.turn.Spent != 1 {
		t.Errorf("%+v is done again", acts)
	}
}

func TestATurnTakesWhatWasSeen(t *testing.T) {
	k := serving()
	if k.sees(watch.ReleaseTold{PsBlocks: true}); !k.seen.Server.PsBlocks {
		t.Error("it is not noted")
	}
}

func TestAServerThatIsBeingChangedIsNotJudged(t *testing.T) {
	k := serving(stands(Recovering), wedged)
	if k.sees(watch.Tick{}); k.judgement.Verdict != verdict.Healthy {
		t.Errorf("%+v", k.judgement)
	}
}

func TestAVerdictThatStaysIsNotToldAgain(t *testing.T) {
	k := serving(func(k *Keeper) { k.judgedAt, k.judgement.Sentence = ago(hour), "as it was" })
	if acts := k.sees(watch.Tick{}); len(acts) > 0 || !k.judgedAt.Equal(ago(hour)) || k.judgement.Sentence == "as it was" {
		t.Errorf("%+v, since %s: %+v", acts, k.judgedAt, k.judgement)
	}
	wedged(k)
	if k.sees(watch.Tick{}); !k.judgedAt.Equal(now) || k.judgement.Verdict != verdict.Wedged {
		t.Errorf("since %s: %+v", k.judgedAt, k.judgement)
	}
}

// judges is the event of a judgement.
func judges(need verdict.Need, model string) Event {
	return Event{Kind: Judged, Judgement: verdict.Judgement{Verdict: verdict.Wedged, Need: need, Model: model}}
}

func TestWhatAnEventIsToldBesides(t *testing.T) {
	unloads := func(k *Keeper) {
		for range 2 {
			k.seen.Models.Of(mainOne).Unloaded(now)
		}
	}
	gone := judges(verdict.Mend, "")
	gone.Judgement.ServerGone = true
	for name, c := range map[string]struct {
		given []given
		event Event
		want  Machine
	}{
		"that unloads are left":           {nil, judges(verdict.Mend, mainOne), Machine{State: Isolated, Target: mainOne, Plan: Plan{Rung: Unload}}},
		"that unloads are spent":          {[]given{unloads}, judges(verdict.Mend, mainOne), Machine{State: Isolated, Target: mainOne, Plan: Plan{Rung: Restart}}},
		"that the main model comes first": {[]given{unloads, aside}, judges(verdict.Mend, mainOne), Machine{State: Exhausted, Target: mainOne}},
		"that the budget has one again":   {[]given{stands(Exhausted)}, judges(verdict.Mend, ""), Machine{State: Isolated, Plan: Plan{Rung: Restart}}},
		"that it has none":                {[]given{stands(Exhausted), spending(3)}, judges(verdict.Mend, ""), Machine{State: Exhausted}},
		"that a restart must not be":      {[]given{stands(Exhausted), mismatched}, judges(verdict.Mend, ""), Machine{State: Exhausted}},
		"that a start stops nothing":      {[]given{stands(Exhausted), mismatched}, gone, Machine{State: Isolated, Plan: Plan{Rung: Start}}},
	} {
		k := serving(c.given...)
		if k.handle(c.event); k.machine != c.want {
			t.Errorf("%s: %+v", name, k.machine)
		}
	}
}

func TestANewStateIsToldWithItsTime(t *testing.T) {
	k := serving()
	if entered, told := did[Entered](k.decides(func(k *Keeper) { k.handle(judges(verdict.Nothing, "")) })); told || k.since.Equal(now) {
		t.Errorf("the same one: %+v", entered)
	}
	if entered, told := did[Entered](k.decides(func(k *Keeper) { k.handle(judges(verdict.HandsOff, "")) })); !told || entered.From != Ready || !k.since.Equal(now) {
		t.Errorf("another: %+v", entered)
	}
}

func TestARunEndsWithAStopThatIsUndone(t *testing.T) {
	for name, c := range map[string]struct {
		from  State
		event Event
		want  uint64 // generation
	}{
		"by a person":                  {Stopped, judges(verdict.Nothing, ""), 2},
		"as an inspection has told":    {Stopped, Event{Kind: Replaced}, 1},
		"not by a restart, as it will": {Stopped, Event{Kind: RestartRequested}, 1},
		"not by a pause that is over":  {Backoff, Event{Kind: BackoffElapsed}, 1},
	} {
		k := serving(stands(c.from))
		if k.handle(c.event); k.Generation() != c.want {
			t.Errorf("%s: %d", name, k.Generation())
		}
	}
}

func TestATaskBecomesActs(t *testing.T) {
	for name, c := range map[string]struct {
		from  State
		event Event
		done  func(*Keeper, []Act) bool
	}{
		"a load":   {Starting, judges(verdict.Load, mainOne), has[LoadTarget]},
		"a pull":   {Starting, judges(verdict.Pull, mainOne), has[PullMain]},
		"a drain":  {Ready, judges(verdict.Mend, mainOne), has[RemedyDue]},
		"a probe":  {Ready, Event{Kind: Replaced}, func(k *Keeper, _ []Act) bool { return k.probes.next.Equal(now) }},
		"a pause":  {Loading, Event{Kind: LoadFailed}, func(k *Keeper, _ []Act) bool { return k.remedy.backoff.After(now) }},
		"a remedy": {Isolated, Event{Kind: Drained}, has[TakeRemedy]},
	} {
		k := serving(stands(c.from), notLoaded, func(k *Keeper) {
			if c.event.Kind == Drained {
				k.machine.Plan = Plan{Rung: Unload}
			}
		})
		if acts := k.decides(func(k *Keeper) { k.handle(c.event) }); !c.done(k, acts) {
			t.Errorf("%s: %+v", name, acts)
		}
	}
}

func TestALookAnewAsksAtOnce(t *testing.T) {
	k := serving(func(k *Keeper) { k.looks.running = true })
	acts := k.decides((*Keeper).lookAnew)
	if kick, _ := did[Kick](acts); kick != (Kick{TCP: true, API: true, Models: true, Inspect: true}) || !has[ForgetServer](k, acts) || !k.probes.next.Equal(now) || k.looks.running {
		t.Errorf("%+v", acts)
	}
}
