package sidecar

import (
	"testing"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// outcome is one cell of the transition table: the next state and the action.
type outcome struct {
	state  State
	action Action
}

// stay is a cell in which nothing happens.
var stay = outcome{}

// transitions is the table of the package comment, for a machine that stands in
// a state for the first time, with budget left, about the model "m".
var transitions = map[EventKind]map[State]outcome{
	JudgedUnproven: {Stopped: {Starting, Probe}},
	JudgedAnswering: {
		Starting: {Ready, Nothing}, Loading: {Ready, Nothing}, Isolated: {Ready, Nothing}, Verifying: {Ready, Nothing},
		Backoff: {Ready, Nothing}, Exhausted: {Ready, Nothing}, Stopped: {Starting, Probe},
	},
	JudgedDegraded: {
		Starting: {Ready, Nothing}, Loading: {Ready, Nothing}, Isolated: {Ready, Nothing}, Verifying: {Ready, Nothing},
		Backoff: {Ready, Nothing}, Exhausted: {Ready, Nothing}, Stopped: {Starting, Probe},
	},
	JudgedHopeless: {
		Starting: {Exhausted, Nothing}, Loading: {Exhausted, Nothing}, Ready: {Exhausted, Nothing}, Isolated: {Exhausted, Nothing},
		Verifying: {Exhausted, Nothing}, Backoff: {Exhausted, Nothing}, Stopped: {Starting, Probe},
	},
	Disturbed:     {},
	SetAside:      {Exhausted: {Starting, Probe}},
	QuietMoment:   {Ready: {Isolated, Drain}},
	JudgedBusy:    {Stopped: {Starting, Probe}},
	JudgedLoading: {Starting: {Loading, Nothing}, Stopped: {Starting, Probe}},
	JudgedUnloaded: {
		Starting: {Loading, LoadModel}, Loading: {Loading, LoadModel}, Ready: {Ready, LoadModel}, Isolated: {Loading, LoadModel},
		Verifying: {Verifying, LoadModel}, Exhausted: {Exhausted, LoadModel}, Stopped: {Starting, Probe},
	},
	JudgedCrashed: {
		Starting: {Loading, LoadModel}, Loading: {Loading, LoadModel}, Ready: {Loading, LoadModel}, Isolated: {Loading, LoadModel},
		Verifying: {Verifying, LoadModel}, Exhausted: {Exhausted, LoadModel}, Stopped: {Starting, Probe},
	},
	JudgedSilent: {
		Starting: {Isolated, Nothing}, Loading: {Isolated, Nothing}, Ready: {Isolated, Nothing}, Stopped: {Starting, Probe},
	},
	JudgedDue: {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Starting, Probe},
	},
	JudgedStopped: {
		Starting: {Stopped, Nothing}, Loading: {Stopped, Nothing}, Ready: {Stopped, Nothing}, Isolated: {Stopped, Nothing},
		Verifying: {Stopped, Nothing}, Backoff: {Stopped, Nothing}, Exhausted: {Stopped, Nothing},
	},
	JudgedModelMissing: {
		Starting: {Loading, PullModel}, Loading: {Loading, PullModel}, Ready: {Loading, PullModel}, Isolated: {Loading, PullModel},
		Verifying: {Loading, PullModel}, Exhausted: {Loading, PullModel}, Stopped: {Starting, Probe},
	},
	Drained:        {},
	RemedyDone:     {Recovering: {Verifying, Probe}},
	RemedyFailed:   {Recovering: {Isolated, Drain}},
	LoadFailed:     {Starting: {Backoff, Wait}, Loading: {Backoff, Wait}, Verifying: {Backoff, Wait}},
	BackoffElapsed: {Backoff: {Starting, Probe}},
	Replaced: {
		Starting: {Starting, Probe}, Loading: {Starting, Probe}, Ready: {Starting, Probe}, Isolated: {Starting, Probe},
		Recovering: {Starting, Probe}, Verifying: {Starting, Probe}, Backoff: {Starting, Probe}, Exhausted: {Starting, Probe},
		Stopped: {Starting, Probe},
	},
	RestartRequested: {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Backoff: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Isolated, Drain},
	},
}

// standing is a machine as it stands in a state after an unload was tried,
// which is what Recovering and Verifying mean at least.
func standing(state State) Machine {
	m := Machine{State: state}
	if state == Recovering || state == Verifying {
		m.Rung, m.Target = Unload, "m"
	}
	return m
}

func about(kind EventKind) Event {
	return Event{Kind: kind, BudgetLeft: true, Judgement: verdict.Judgement{Verdict: verdict.Wedged, Model: "m"}}
}

func TestEveryEventInEveryState(t *testing.T) {
	for _, kind := range EventKinds {
		row, listed := transitions[kind]
		if !listed {
			t.Errorf("the table has no row for the event %q", kind)
		}
		for _, state := range States {
			want := row[state]
			if want == stay {
				want = outcome{state, Nothing}
			}
			after, action := step(standing(state), about(kind))
			if got := (outcome{after.State, action}); got != want {
				t.Errorf("%s in %s: got %v, want %v", kind, state, got, want)
			}
		}
	}
}

func TestADrainedMachineTakesItsRemedy(t *testing.T) {
	for _, test := range []struct {
		name    string
		machine Machine
		event   Event
		want    outcome
	}{
		{"an unload needs no budget", Machine{State: Isolated, Draining: true, Rung: Unload}, Event{}, outcome{Recovering, Remedy}},
		{"a restart with budget", Machine{State: Isolated, Draining: true, Rung: Restart}, Event{BudgetLeft: true}, outcome{Recovering, Remedy}},
		{"a restart without budget", Machine{State: Isolated, Draining: true, Rung: Restart}, Event{}, outcome{Exhausted, Nothing}},
		{"a person's restart without budget", Machine{State: Isolated, Draining: true, Rung: Restart, Forced: true}, Event{}, outcome{Recovering, Remedy}},
		{"while only watching", Machine{State: Isolated, Draining: true, Rung: Unload, Passive: true}, Event{BudgetLeft: true}, outcome{Isolated, Nothing}},
		{"a person's restart while paused", Machine{State: Isolated, Draining: true, Rung: Restart, Passive: true, Forced: true}, Event{}, outcome{Recovering, Remedy}},
		{"a drain that was called off", Machine{State: Isolated, Rung: Restart}, Event{BudgetLeft: true}, outcome{Isolated, Nothing}},
	} {
		test.event.Kind = Drained
		after, action := step(test.machine, test.event)
		if got := (outcome{after.State, action}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if after.State == Recovering && (after.Draining || after.Forced) {
			t.Errorf("%s: the machine on its rung still is draining or forced: %+v", test.name, after)
		}
	}
}

func TestTheFirstRungIsTheLeastThatMayHelp(t *testing.T) {
	for _, test := range []struct {
		name  string
		rung  Rung // taken since the model was last ready for long
		event Event
		want  Rung
	}{
		{"a silent model", NoRung, about(JudgedDue), Unload},
		{"a silent server", NoRung, Event{BudgetLeft: true}, Restart},
		{"a container that is gone", NoRung, Event{Judgement: verdict.Judgement{ServerGone: true, Model: "m"}}, Start},
		{"a model for which there is no room", NoRung, Event{Judgement: verdict.Judgement{Model: "m", MakeRoom: true}}, MakeRoom},
		{"a model that is silent although room was made", MakeRoom, about(JudgedDue), Unload},
		{"a model that was unloaded in vain", Unload, about(JudgedDue), Restart},
		{"a model beside one that was unloaded in vain", Unload, Event{Judgement: verdict.Judgement{Model: "n"}}, Unload},
		{"a model that was unloaded too often", NoRung, Event{UnloadsSpent: true, Judgement: verdict.Judgement{Model: "m"}}, Restart},
	} {
		test.event.Kind = JudgedDue
		after, _ := step(Machine{State: Ready, Rung: test.rung, Tried: "m"}, test.event)
		if after.Rung != test.want {
			t.Errorf("%s: got %q, want %q", test.name, after.Rung, test.want)
		}
	}
}

func TestARemedyWithoutEffectClimbs(t *testing.T) {
	for _, test := range []struct {
		name   string
		from   State
		rung   Rung
		kind   EventKind
		budget bool
		want   outcome
	}{
		{"after an unload comes a restart", Verifying, Unload, JudgedDue, true, outcome{Isolated, Drain}},
		{"which needs budget", Verifying, Unload, JudgedDue, false, outcome{Exhausted, Nothing}},
		{"after room was made comes what the judgement asks for", Verifying, MakeRoom, JudgedDue, false, outcome{Isolated, Drain}},
		{"where no room could be made, the model is tried", Recovering, MakeRoom, RemedyFailed, true, outcome{Verifying, Probe}},
		{"a failed unload climbs too", Recovering, Unload, RemedyFailed, true, outcome{Isolated, Drain}},
		{"after a restart there is only patience", Verifying, Restart, JudgedDue, true, outcome{Backoff, Wait}},
		{"after a failed start, too", Recovering, Start, RemedyFailed, true, outcome{Backoff, Wait}},
		{"exhausted stays so without budget", Exhausted, Restart, JudgedDue, false, outcome{Exhausted, Nothing}},
	} {
		after, action := step(Machine{State: test.from, Rung: test.rung}, Event{Kind: test.kind, BudgetLeft: test.budget})
		if got := (outcome{after.State, action}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// What is wrong with one model is no reason to cut what the main one gives.
func TestAnotherModelIsGivenUpBeforeTheServerIsRestarted(t *testing.T) {
	judged := Event{Kind: JudgedDue, Aside: true, BudgetLeft: true, Judgement: verdict.Judgement{Model: "n"}}
	failed := Event{Kind: RemedyFailed, Aside: true, BudgetLeft: true}
	for name, c := range map[string]struct {
		machine Machine
		event   Event
	}{
		"when it comes back after an unload": {Machine{State: Verifying, Rung: Unload, Target: "n", Tried: "n"}, judged},
		"when it was unloaded lately":        {Machine{State: Ready, Rung: Unload, Tried: "n"}, judged},
		"when its unload fails":              {Machine{State: Recovering, Rung: Unload, Target: "n", Tried: "n"}, failed},
	} {
		if after, action := step(c.machine, c.event); after.State != Exhausted || after.Target != "n" || action != Nothing {
			t.Errorf("%s: %+v and %q", name, after, action)
		}
	}
	server := Event{Kind: JudgedDue, Aside: true, BudgetLeft: true}
	if after, _ := step(Machine{State: Ready}, server); after.Rung != Restart || !after.Draining {
		t.Errorf("a silent server is not restarted: %+v", after)
	}
}

func TestWithoutBudgetACrashedModelIsStillLoaded(t *testing.T) {
	for judged, want := range map[verdict.Verdict]Action{verdict.Crashed: LoadModel, verdict.Wedged: Nothing, verdict.Down: Nothing} {
		after, action := step(Machine{State: Exhausted, Rung: Restart}, Event{Kind: JudgedDue, Judgement: verdict.Judgement{Verdict: judged}})
		if after.State != Exhausted || action != want {
			t.Errorf("%s: got %s and %q, want %q", judged, after.State, action, want)
		}
	}
}

func TestWhileOnlyWatchingNoEventLeadsToARemedy(t *testing.T) {
	for _, kind := range EventKinds {
		for _, state := range States {
			for _, rung := range []Rung{NoRung, MakeRoom, Unload, Restart, Start} {
				for _, draining := range []bool{false, true} {
					m := Machine{State: state, Rung: rung, Draining: draining, Passive: true}
					if _, action := step(m, about(kind)); action == Remedy {
						t.Errorf("%s in %+v takes a remedy", kind, m)
					}
				}
			}
		}
	}
}

func TestOnlyADrainEverLeadsToARemedy(t *testing.T) {
	for _, kind := range EventKinds {
		for _, state := range States {
			for _, rung := range []Rung{NoRung, MakeRoom, Unload, Restart, Start} {
				m := Machine{State: state, Rung: rung, Draining: true}
				if _, action := step(m, about(kind)); action == Remedy && (kind != Drained || state != Isolated) {
					t.Errorf("%s in %+v takes a remedy", kind, m)
				}
			}
		}
	}
}

// Whoever asked for a restart gets it, whatever happens meanwhile: a machine that
// waits for it without a drain would wait for ever.
func TestWhatAPersonAskedForIsNotCalledOff(t *testing.T) {
	for _, kind := range EventKinds {
		for _, atIdle := range []bool{false, true} {
			asked, _ := step(Machine{State: Isolated, Draining: true, AtIdle: atIdle, Rung: Restart}, about(RestartRequested))
			if after, _ := step(asked, about(kind)); after.Forced && !after.Draining {
				t.Errorf("%s leaves %+v", kind, after)
			}
		}
	}
}

func TestAServerThatWorksAgainCallsTheRemedyOff(t *testing.T) {
	for _, kind := range []EventKind{JudgedBusy, JudgedLoading, JudgedSilent, JudgedUnloaded, JudgedCrashed, JudgedAnswering, JudgedModelMissing} {
		after, _ := step(Machine{State: Isolated, Draining: true, Rung: Restart}, about(kind))
		if after.Draining {
			t.Errorf("%s leaves the remedy due", kind)
		}
	}
}

func TestARemedyThatWaitedForAQuietMomentIsNotCalledOffByAnswers(t *testing.T) {
	degraded := Event{Kind: JudgedDegraded, BudgetLeft: true, Judgement: verdict.Judgement{Verdict: verdict.VRAMLeak}}
	quiet := degraded
	quiet.Kind = QuietMoment
	m, action := step(Machine{State: Ready}, quiet)
	if m.State != Isolated || m.Rung != Restart || action != Drain {
		t.Fatalf("at the quiet moment: %+v and %q", m, action)
	}
	if m, _ = step(m, degraded); m.State != Isolated || !m.Draining {
		t.Errorf("the same judgement called it off: %+v", m)
	}
	if well, _ := step(m, Event{Kind: JudgedAnswering}); well.State != Ready || well.Draining || well.AtIdle {
		t.Errorf("a server that is well again does not call it off: %+v", well)
	}
	if disturbed, _ := step(m, Event{Kind: Disturbed}); disturbed.Draining || disturbed.AtIdle || disturbed.Rung != NoRung {
		t.Errorf("somebody else's use does not call it off: %+v", disturbed)
	}
	m, action = step(m, Event{Kind: Drained, BudgetLeft: true})
	if m.State != Recovering || !m.AtIdle || action != Remedy {
		t.Errorf("after the drain: %+v and %q", m, action)
	}
	for _, end := range []EventKind{RemedyDone, RemedyFailed} { // the model answered before it: nobody climbs from there
		if after, action := step(m, Event{Kind: end, BudgetLeft: true}); after.State != Verifying || after.AtIdle || action != Probe {
			t.Errorf("%s: %+v and %q", end, after, action)
		}
	}
}

func TestAQuietMomentPassesUnused(t *testing.T) {
	for name, test := range map[string]struct {
		machine Machine
		event   Event
	}{
		"while Clawgate only watches": {Machine{State: Ready, Passive: true}, Event{BudgetLeft: true}},
		"without budget":              {Machine{State: Ready}, Event{}},
		"while something else is on":  {Machine{State: Verifying}, Event{BudgetLeft: true}},
	} {
		test.event.Kind = QuietMoment
		if after, action := step(test.machine, test.event); after != test.machine || action != Nothing {
			t.Errorf("%s: %+v and %q", name, after, action)
		}
	}
}

func TestWhatIsHopelessClosesTheGateForOneModelAndGoesOnTrying(t *testing.T) {
	for judged, want := range map[verdict.Verdict]Action{verdict.Crashed: LoadModel, verdict.OutOfMemory: LoadModel, verdict.HostAction: Nothing} {
		after, action := step(Machine{State: Ready}, Event{Kind: JudgedHopeless, Judgement: verdict.Judgement{Verdict: judged, Model: "m"}})
		if after.State != Exhausted || after.Target != "m" || action != want {
			t.Errorf("%s: %+v and %q, want %q", judged, after, action, want)
		}
	}
}
