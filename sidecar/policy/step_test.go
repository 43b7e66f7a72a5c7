package policy

import (
	"testing"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// outcome is one cell of the transition table: the next state and the task.
type outcome struct {
	state State
	task  Task
}

// stay is a cell in which nothing happens.
var stay = outcome{}

// transitions is the table of the package comment, for a machine that stands in
// a state for the first time, with budget left, about the model "m".
var transitions = map[input]map[State]outcome{
	judged(verdict.Proof): {Stopped: {Starting, Probe}},
	judged(verdict.Nothing): {
		Starting: {Ready, Nothing}, Loading: {Ready, Nothing}, Isolated: {Ready, Nothing}, Verifying: {Ready, Nothing},
		Backoff: {Ready, Nothing}, Exhausted: {Ready, Nothing}, Stopped: {Starting, Probe},
	},
	judged(verdict.MendWhenQuiet): {
		Starting: {Ready, Nothing}, Loading: {Ready, Nothing}, Isolated: {Ready, Nothing}, Verifying: {Ready, Nothing},
		Backoff: {Ready, Nothing}, Exhausted: {Ready, Nothing}, Stopped: {Starting, Probe},
	},
	judged(verdict.Person): {
		Starting: {Exhausted, Nothing}, Loading: {Exhausted, Nothing}, Ready: {Exhausted, Nothing}, Isolated: {Exhausted, Nothing},
		Verifying: {Exhausted, Nothing}, Backoff: {Exhausted, Nothing}, Stopped: {Starting, Probe},
	},
	of(Disturbed):            {},
	of(SetAside):             {Exhausted: {Starting, Probe}},
	of(QuietMoment):          {Ready: {Isolated, Drain}},
	judged(verdict.Patience): {Stopped: {Starting, Probe}},
	judged(verdict.Arrival):  {Starting: {Loading, Nothing}, Stopped: {Starting, Probe}},
	judged(verdict.Load): {
		Starting: {Loading, LoadModel}, Loading: {Loading, LoadModel}, Ready: {Ready, LoadModel}, Isolated: {Loading, LoadModel},
		Verifying: {Verifying, LoadModel}, Exhausted: {Exhausted, LoadModel}, Stopped: {Starting, Probe},
	},
	judged(verdict.Reload): {
		Starting: {Loading, LoadModel}, Loading: {Loading, LoadModel}, Ready: {Loading, LoadModel}, Isolated: {Loading, LoadModel},
		Verifying: {Verifying, LoadModel}, Exhausted: {Exhausted, LoadModel}, Stopped: {Starting, Probe},
	},
	judged(verdict.Wait): {
		Starting: {Isolated, Nothing}, Loading: {Isolated, Nothing}, Ready: {Isolated, Nothing}, Stopped: {Starting, Probe},
	},
	judged(verdict.Mend): {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Starting, Probe},
	},
	judged(verdict.MakeRoom): {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Starting, Probe},
	},
	judged(verdict.MendWithBudget): {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Starting, Probe},
	},
	judged(verdict.HandsOff): {
		Starting: {Stopped, Nothing}, Loading: {Stopped, Nothing}, Ready: {Stopped, Nothing}, Isolated: {Stopped, Nothing},
		Verifying: {Stopped, Nothing}, Backoff: {Stopped, Nothing}, Exhausted: {Stopped, Nothing},
	},
	judged(verdict.Pull): {
		Starting: {Loading, PullModel}, Loading: {Loading, PullModel}, Ready: {Loading, PullModel}, Isolated: {Loading, PullModel},
		Verifying: {Loading, PullModel}, Exhausted: {Loading, PullModel}, Stopped: {Starting, Probe},
	},
	of(Drained):          {},
	of(RemedyDone):       {Recovering: {Verifying, Probe}},
	of(RemedyFailed):     {Recovering: {Isolated, Drain}},
	of(RestartWithdrawn): {}, of(Paused): {}, of(Resumed): {}, of(Stable): {},
	of(LoadFailed):     {Starting: {Backoff, Wait}, Loading: {Backoff, Wait}, Verifying: {Backoff, Wait}},
	of(BackoffElapsed): {Backoff: {Starting, Probe}},
	of(Replaced): {
		Starting: {Starting, Probe}, Loading: {Starting, Probe}, Ready: {Starting, Probe}, Isolated: {Starting, Probe},
		Recovering: {Starting, Probe}, Verifying: {Starting, Probe}, Backoff: {Starting, Probe}, Exhausted: {Starting, Probe},
		Stopped: {Starting, Probe},
	},
	of(RestartRequested): {
		Starting: {Isolated, Drain}, Loading: {Isolated, Drain}, Ready: {Isolated, Drain}, Isolated: {Isolated, Drain},
		Verifying: {Isolated, Drain}, Backoff: {Isolated, Drain}, Exhausted: {Isolated, Drain}, Stopped: {Isolated, Drain},
	},
}

// standing is a machine as it stands in a state after an unload was tried,
// which is what Recovering and Verifying mean at least.
func standing(state State) Machine {
	m := Machine{State: state}
	if state == Recovering || state == Verifying {
		m.Target, m.Tried.Rung = "m", Unload
	}
	if state == Recovering {
		m.Plan.Rung = Unload
	}
	return m
}

// input is what step tells events apart by.
type input struct {
	kind EventKind
	need verdict.Need
}

func judged(need verdict.Need) input { return input{Judged, need} }
func of(kind EventKind) input        { return input{kind: kind} }

// inputs are all kinds of events, and all needs of judgements.
func inputs() []input {
	var all []input
	for _, need := range verdict.Needs {
		all = append(all, judged(need))
	}
	for _, kind := range EventKinds {
		if kind != Judged {
			all = append(all, of(kind))
		}
	}
	return all
}

func about(in input) Event {
	return Event{Kind: in.kind, BudgetLeft: true, Judgement: verdict.Judgement{Verdict: verdict.Wedged, Model: "m", Need: in.need}}
}

func TestEveryEventInEveryState(t *testing.T) {
	for _, in := range inputs() {
		row, listed := transitions[in]
		if !listed {
			t.Errorf("the table has no row for the event %q", in)
		}
		for _, state := range States {
			want := row[state]
			if want == stay {
				want = outcome{state, Nothing}
			}
			after, task := Step(standing(state), about(in))
			if got := (outcome{after.State, task}); got != want {
				t.Errorf("%s in %s: got %v, want %v", in, state, got, want)
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
		{"an unload needs no budget", Machine{State: Isolated, Plan: Plan{Rung: Unload}}, Event{}, outcome{Recovering, Remedy}},
		{"a restart with budget", Machine{State: Isolated, Plan: Plan{Rung: Restart}}, Event{BudgetLeft: true}, outcome{Recovering, Remedy}},
		{"a restart without budget", Machine{State: Isolated, Plan: Plan{Rung: Restart}}, Event{}, outcome{Exhausted, Nothing}},
		{"a person's restart without budget", Machine{State: Isolated, Plan: Plan{Rung: Restart, ByPerson: true}}, Event{}, outcome{Recovering, Remedy}},
		{"while only watching", Machine{State: Isolated, Passive: true, Plan: Plan{Rung: Unload}}, Event{BudgetLeft: true}, outcome{Isolated, Nothing}},
		{"a person's restart while paused", Machine{State: Isolated, Passive: true, Plan: Plan{Rung: Restart, ByPerson: true}}, Event{}, outcome{Recovering, Remedy}},
		{"a drain that was called off", Machine{State: Isolated, Tried: Attempt{Rung: Restart}}, Event{BudgetLeft: true}, outcome{Isolated, Nothing}},
	} {
		test.event.Kind = Drained
		after, task := Step(test.machine, test.event)
		if got := (outcome{after.State, task}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if after.State == Recovering && (after.Plan != test.machine.Plan || after.Tried.Rung != after.Plan.Rung) {
			t.Errorf("%s: the machine on its rung has another plan: %+v", test.name, after)
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
		{"a silent model", NoRung, about(judged(verdict.Mend)), Unload},
		{"a silent server", NoRung, Event{BudgetLeft: true, Judgement: verdict.Judgement{Need: verdict.Mend}}, Restart},
		{"a container that is gone", NoRung, Event{Judgement: verdict.Judgement{Need: verdict.Mend, ServerGone: true, Model: "m"}}, Start},
		{"a model for which there is no room", NoRung, Event{Judgement: verdict.Judgement{Model: "m", Need: verdict.MakeRoom}}, MakeRoom},
		{"a model that is silent although room was made", MakeRoom, about(judged(verdict.Mend)), Unload},
		{"a model that was unloaded in vain", Unload, about(judged(verdict.Mend)), Restart},
		{"a model beside one that was unloaded in vain", Unload, Event{Judgement: verdict.Judgement{Model: "n", Need: verdict.Mend}}, Unload},
		{"a model that was unloaded too often", NoRung, Event{UnloadsSpent: true, Judgement: verdict.Judgement{Model: "m", Need: verdict.Mend}}, Restart},
	} {
		test.event.Kind = Judged
		after, _ := Step(Machine{State: Ready, Tried: Attempt{Rung: test.rung, Model: "m"}}, test.event)
		if after.Rung() != test.want {
			t.Errorf("%s: got %q, want %q", test.name, after.Rung(), test.want)
		}
	}
}

func TestARemedyWithoutEffectClimbs(t *testing.T) {
	for _, test := range []struct {
		name   string
		from   State
		rung   Rung
		event  input
		budget bool
		want   outcome
	}{
		{"after an unload comes a restart", Verifying, Unload, judged(verdict.Mend), true, outcome{Isolated, Drain}},
		{"which needs budget", Verifying, Unload, judged(verdict.Mend), false, outcome{Exhausted, Nothing}},
		{"after room was made comes what the judgement asks for", Verifying, MakeRoom, judged(verdict.Mend), false, outcome{Isolated, Drain}},
		{"where no room could be made, the model is tried", Recovering, MakeRoom, of(RemedyFailed), true, outcome{Verifying, Probe}},
		{"a failed unload climbs too", Recovering, Unload, of(RemedyFailed), true, outcome{Isolated, Drain}},
		{"after a restart there is only patience", Verifying, Restart, judged(verdict.Mend), true, outcome{Backoff, Wait}},
		{"after a failed start, too", Recovering, Start, of(RemedyFailed), true, outcome{Backoff, Wait}},
		{"exhausted stays so without budget", Exhausted, Restart, judged(verdict.Mend), false, outcome{Exhausted, Nothing}},
	} {
		after, task := Step(Machine{State: test.from, Tried: Attempt{Rung: test.rung}}, Event{Kind: test.event.kind, BudgetLeft: test.budget, Judgement: verdict.Judgement{Need: test.event.need}})
		if got := (outcome{after.State, task}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// What is wrong with one model is no reason to cut what the main one gives.
func TestAnotherModelIsGivenUpBeforeTheServerIsRestarted(t *testing.T) {
	silent := Event{Kind: Judged, FocusOnOther: true, BudgetLeft: true, Judgement: verdict.Judgement{Model: "n", Need: verdict.Mend}}
	failed := Event{Kind: RemedyFailed, FocusOnOther: true, BudgetLeft: true}
	for name, c := range map[string]struct {
		machine Machine
		event   Event
	}{
		"when it comes back after an unload": {Machine{State: Verifying, Target: "n", Tried: Attempt{Rung: Unload, Model: "n"}}, silent},
		"when it was unloaded lately":        {Machine{State: Ready, Tried: Attempt{Rung: Unload, Model: "n"}}, silent},
		"when its unload fails":              {Machine{State: Recovering, Target: "n", Plan: Plan{Rung: Unload}, Tried: Attempt{Unload, "n"}}, failed},
	} {
		if after, task := Step(c.machine, c.event); after.State != Exhausted || after.Target != "n" || task != Nothing {
			t.Errorf("%s: %+v and %q", name, after, task)
		}
	}
	server := Event{Kind: Judged, FocusOnOther: true, BudgetLeft: true, Judgement: verdict.Judgement{Need: verdict.Mend}}
	if after, _ := Step(Machine{State: Ready}, server); after.Rung() != Restart || !after.Draining() {
		t.Errorf("a silent server is not restarted: %+v", after)
	}
}

func TestWithoutBudgetACrashedModelIsStillLoaded(t *testing.T) {
	for _, found := range verdict.All {
		want := Nothing
		if found == verdict.Crashed || found == verdict.OutOfMemory || found == verdict.Garbage {
			want = LoadModel
		}
		for _, j := range []verdict.Judgement{{Verdict: found, Need: verdict.Mend}, {Verdict: verdict.HostAction, Behind: found, Need: verdict.MendWithBudget}} {
			after, task := Step(Machine{State: Exhausted, Tried: Attempt{Rung: Restart}}, Event{Kind: Judged, Judgement: j})
			if after.State != Exhausted || task != want {
				t.Errorf("%s, behind it %q: got %s and %q, want %q", j.Verdict, j.Behind, after.State, task, want)
			}
		}
	}
}

func TestWhileOnlyWatchingNoEventLeadsToARemedy(t *testing.T) {
	for _, in := range inputs() {
		for _, state := range States {
			for _, rung := range []Rung{NoRung, MakeRoom, Unload, Restart, Start} {
				for _, m := range []Machine{
					{State: state, Plan: Plan{Rung: rung}, Passive: true}, {State: state, Tried: Attempt{Rung: rung}, Passive: true},
				} {
					if _, task := Step(m, about(in)); task == Remedy {
						t.Errorf("%s in %+v takes a remedy", in, m)
					}
				}
			}
		}
	}
}

func TestOnlyADrainEverLeadsToARemedy(t *testing.T) {
	for _, in := range inputs() {
		for _, state := range States {
			for _, rung := range []Rung{NoRung, MakeRoom, Unload, Restart, Start} {
				m := Machine{State: state, Plan: Plan{Rung: rung}}
				if _, task := Step(m, about(in)); task == Remedy && (in.kind != Drained || state != Isolated) {
					t.Errorf("%s in %+v takes a remedy", in, m)
				}
			}
		}
	}
}

// Whoever asked for a restart gets it, whatever happens meanwhile: a machine that
// waits for it without a drain would wait for ever.
func TestWhatAPersonAskedForIsNotCalledOff(t *testing.T) {
	for _, in := range inputs() {
		for _, atIdle := range []bool{false, true} {
			asked, _ := Step(Machine{State: Isolated, Plan: Plan{Rung: Restart, WhenQuiet: atIdle}}, about(of(RestartRequested)))
			if after, _ := Step(asked, about(in)); after.Plan.ByPerson && !after.Draining() && after.State != Recovering {
				t.Errorf("%s leaves %+v", in, after)
			}
		}
	}
}

func TestAServerThatWorksAgainCallsTheRemedyOff(t *testing.T) {
	for _, need := range []verdict.Need{verdict.Patience, verdict.Arrival, verdict.Wait, verdict.Load, verdict.Reload, verdict.Nothing, verdict.Pull} {
		after, _ := Step(Machine{State: Isolated, Plan: Plan{Rung: Restart}}, about(judged(need)))
		if after.Draining() {
			t.Errorf("%s leaves the remedy due", need)
		}
	}
}

func TestARemedyThatWaitedForAQuietMomentIsNotCalledOffByAnswers(t *testing.T) {
	degraded := Event{Kind: Judged, BudgetLeft: true, Judgement: verdict.Judgement{Verdict: verdict.VRAMLeak, Need: verdict.MendWhenQuiet}}
	quiet := degraded
	quiet.Kind = QuietMoment
	m, task := Step(Machine{State: Ready}, quiet)
	if m.State != Isolated || m.Rung() != Restart || task != Drain {
		t.Fatalf("at the quiet moment: %+v and %q", m, task)
	}
	if m, _ = Step(m, degraded); m.State != Isolated || !m.Draining() {
		t.Errorf("the same judgement called it off: %+v", m)
	}
	if well, _ := Step(m, about(judged(verdict.Nothing))); well.State != Ready || well.Plan != (Plan{}) {
		t.Errorf("a server that is well again does not call it off: %+v", well)
	}
	if disturbed, _ := Step(m, Event{Kind: Disturbed}); disturbed.Draining() || disturbed.Plan.WhenQuiet || disturbed.Rung() != NoRung {
		t.Errorf("somebody else's use does not call it off: %+v", disturbed)
	}
	m, task = Step(m, Event{Kind: Drained, BudgetLeft: true})
	if m.State != Recovering || !m.Plan.WhenQuiet || task != Remedy {
		t.Errorf("after the drain: %+v and %q", m, task)
	}
	for _, end := range []EventKind{RemedyDone, RemedyFailed} { // the model answered before it: nobody climbs from there
		if after, task := Step(m, Event{Kind: end, BudgetLeft: true}); after.State != Verifying || after.Plan.WhenQuiet || task != Probe {
			t.Errorf("%s: %+v and %q", end, after, task)
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
		if after, task := Step(test.machine, test.event); after != test.machine || task != Nothing {
			t.Errorf("%s: %+v and %q", name, after, task)
		}
	}
}

func TestWhatIsHopelessClosesTheGateForOneModelAndGoesOnTrying(t *testing.T) {
	for found, want := range map[verdict.Verdict]Task{verdict.Crashed: LoadModel, verdict.OutOfMemory: LoadModel, verdict.HostAction: Nothing} {
		after, task := Step(Machine{State: Ready}, Event{Kind: Judged, Judgement: verdict.Judgement{Verdict: found, Need: verdict.Person, Model: "m"}})
		if after.State != Exhausted || after.Target != "m" || task != want {
			t.Errorf("%s: %+v and %q, want %q", found, after, task, want)
		}
	}
}
