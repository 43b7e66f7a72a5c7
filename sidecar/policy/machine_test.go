package policy

import (
	"testing"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// atQuiet is a drain that began at a quiet moment.
func atQuiet(change func(*Machine)) Machine {
	m := Machine{State: Isolated, Plan: Plan{Rung: Restart, WhenQuiet: true}}
	if change != nil {
		change(&m)
	}
	return m
}

func TestWhatAMachineRemembers(t *testing.T) {
	person := Machine{State: Isolated, Plan: Plan{Rung: Restart, ByPerson: true}}
	unloaded := Machine{State: Verifying, Target: "m", Tried: Attempt{Unload, "m"}}
	unloadedAll := Machine{State: Verifying, Tried: Attempt{Rung: Unload}}
	now := atQuiet(func(m *Machine) { m.Plan.WhenQuiet = false })
	waits := atQuiet(func(m *Machine) { m.Tried = Attempt{Unload, "m"} })
	over := atQuiet(func(m *Machine) { m.Plan, m.Tried.Rung = Plan{}, Restart })
	recovering := Machine{State: Recovering, Plan: Plan{Rung: Restart, WhenQuiet: true}, Tried: Attempt{Rung: Restart}}
	with := func(e Event, change func(*Event)) Event {
		change(&e)
		return e
	}
	mend, budget := func(model string) Event { return judges(verdict.Mend, model) }, func(e *Event) { e.BudgetLeft = true }
	quiet := Event{Kind: QuietMoment, Judgement: verdict.Judgement{Model: "m"}}
	beyond := judges(verdict.Wait, "m")
	beyond.Judgement.Verdict = verdict.HostAction
	for name, c := range map[string]struct {
		m     Machine
		event Event
		want  Machine
		task  Task
	}{
		"a remedy that could wait is done":          {recovering, Event{Kind: RemedyDone}, Machine{State: Verifying, Tried: Attempt{Rung: Restart}}, Probe},
		"what is done late says nothing of a drain": {atQuiet(nil), Event{Kind: RemedyDone}, atQuiet(nil), Nothing},
		"nor of one that cannot wait":               {now, Event{Kind: RemedyDone}, now, Nothing},

		"who is disturbed gives way":             {atQuiet(nil), Event{Kind: Disturbed}, Machine{State: Isolated}, Nothing},
		"not what cannot wait":                   {now, Event{Kind: Disturbed}, now, Nothing},
		"not what a person wants":                {atQuiet(func(m *Machine) { m.Plan.ByPerson = true }), Event{Kind: Disturbed}, atQuiet(func(m *Machine) { m.Plan.ByPerson = true }), Nothing},
		"it is still wanted, and goes on":        {atQuiet(nil), judges(verdict.MendWhenQuiet, ""), atQuiet(nil), Nothing},
		"what could not wait can now":            {now, judges(verdict.MendWhenQuiet, ""), Machine{State: Ready}, Nothing},
		"what drains no more answers":            {over, judges(verdict.MendWhenQuiet, ""), Machine{State: Ready, Tried: Attempt{Rung: Restart}}, Nothing},
		"the server moves, and is served again":  {atQuiet(nil), judges(verdict.Patience, ""), Machine{State: Ready}, Nothing},
		"it moves, and has yet to answer":        {now, judges(verdict.Patience, ""), Machine{State: Isolated}, Nothing},
		"it moves, and nothing drains":           {over, judges(verdict.Patience, ""), over, Nothing},
		"it moves, and the gate is for another":  {atQuiet(func(m *Machine) { m.State = Loading }), judges(verdict.Patience, ""), Machine{State: Loading}, Nothing},
		"what cannot wait takes its place":       {atQuiet(nil), mend(""), Machine{State: Isolated, Plan: Plan{Rung: Restart}}, Drain},
		"what cannot wait goes on":               {now, mend("m"), now, Nothing},
		"a quiet moment is for one load":         {Machine{State: Ready}, quiet, Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Unload, WhenQuiet: true}}, Drain},
		"not if unloads are spent":               {Machine{State: Ready}, with(quiet, func(e *Event) { e.UnloadsSpent, e.BudgetLeft = true, true }), Machine{State: Ready}, Nothing},
		"nothing helps, and nothing is drained":  {now, judges(verdict.Person, ""), Machine{State: Exhausted}, Nothing},
		"a device is silent, whatever is mended": {unloaded, beyond, Machine{State: Isolated, Target: "m", Tried: Attempt{Unload, "m"}}, Nothing},
		"what is mended may be silent":           {unloaded, judges(verdict.Wait, "m"), unloaded, Nothing},

		"the next rung for the same model":      {unloaded, with(mend("m"), budget), Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Restart}, Tried: Attempt{Unload, "m"}}, Drain},
		"the next rung for the whole server":    {unloaded, with(mend(""), budget), Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Restart}, Tried: Attempt{Unload, "m"}}, Drain},
		"the first rung for another model":      {unloaded, with(mend("n"), budget), Machine{State: Isolated, Target: "n", Plan: Plan{Rung: Unload}, Tried: Attempt{Unload, "m"}}, Drain},
		"the next rung, where all was mended":   {unloadedAll, with(mend("n"), budget), Machine{State: Isolated, Plan: Plan{Rung: Restart}, Tried: Attempt{Rung: Unload}}, Drain},
		"not while Clawgate only watches":       {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Unload}, Passive: true}, with(mend("m"), budget), Machine{State: Isolated, Target: "m", Tried: Attempt{Rung: Unload}, Passive: true}, Nothing},
		"after a restart no unload comes again": {Machine{State: Ready, Tried: Attempt{Restart, "m"}}, mend("n"), Machine{State: Isolated, Target: "n", Plan: Plan{Rung: Restart}, Tried: Attempt{Restart, "m"}}, Drain},
		"an unload is taken beside the main":    {Machine{State: Ready}, with(mend("m"), func(e *Event) { e.FocusOnOther = true }), Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Unload}}, Drain},

		"a person's stays while it answers":    {person, judges(verdict.Nothing, ""), person, Nothing},
		"and while somebody else has his way":  {person, judges(verdict.HandsOff, ""), person, Nothing},
		"what could wait does not count tried": {waits, mend("m"), Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Unload}, Tried: Attempt{Model: "m"}}, Drain},

		"a person asks twice":          {person, Event{Kind: RestartRequested}, person, Nothing},
		"a person asks what is down":   {Machine{State: Stopped}, Event{Kind: RestartRequested}, Machine{State: Isolated, Plan: Plan{Rung: Start, ByPerson: true}}, Drain},
		"a person asks what is silent": {Machine{State: Ready}, Event{Kind: RestartRequested}, person, Drain},
	} {
		if got, task := Step(c.m, c.event); got != c.want || task != c.task {
			t.Errorf("%s: %+v, %q", name, got, task)
		}
	}
}

func TestWhatIsNotedChangesNoState(t *testing.T) {
	draining := Machine{State: Isolated, Plan: Plan{Rung: Restart}}
	taken := Machine{State: Recovering, Plan: Plan{Rung: Restart, ByPerson: true}, Tried: Attempt{Rung: Restart}}
	forced := Machine{State: Isolated, Plan: Plan{Rung: Restart, ByPerson: true}}
	for name, c := range map[string]struct {
		before Machine
		event  Event
		after  Machine
	}{
		"a pause":                            {draining, Event{Kind: Paused}, Machine{State: Isolated, Passive: true, Plan: Plan{Rung: Restart}}},
		"its end calls off what was due":     {draining, Event{Kind: Resumed}, Machine{State: Isolated}},
		"but not what a person asked for":    {forced, Event{Kind: Resumed}, forced},
		"its end where Clawgate may observe": {Machine{State: Ready, Passive: true}, Event{Kind: Resumed, Observe: true}, Machine{State: Ready, Passive: true}},
		"a restart that is for nobody":       {forced, Event{Kind: RestartWithdrawn}, Machine{State: Isolated}},
		"not while it is carried out":        {taken, Event{Kind: RestartWithdrawn}, taken},
		"nor what is not a person's":         {draining, Event{Kind: RestartWithdrawn}, draining},
		"stability":                          {Machine{State: Ready, Tried: Attempt{Rung: Unload, Model: "m"}}, Event{Kind: Stable}, Machine{State: Ready}},
		"not elsewhere":                      {Machine{State: Verifying, Tried: Attempt{Rung: Unload, Model: "m"}}, Event{Kind: Stable}, Machine{State: Verifying, Tried: Attempt{Rung: Unload, Model: "m"}}},
	} {
		if after, task := Step(c.before, c.event); after != c.after || task != Nothing {
			t.Errorf("%s: %+v, %q", name, after, task)
		}
	}
}

func TestALoadIsOfTheModelThatWasJudged(t *testing.T) {
	for name, c := range map[string]struct {
		before Machine
		need   verdict.Need
	}{
		"its runner died":        {Machine{State: Ready}, verdict.Reload},
		"another was in trouble": {Machine{State: Isolated, Target: "other"}, verdict.Load},
		"it is on its way":       {Machine{State: Starting, Target: "other"}, verdict.Arrival},
		"it is to be pulled":     {Machine{State: Ready, Target: "other"}, verdict.Pull},
	} {
		if after, _ := Step(c.before, about(judged(c.need))); after.State != Loading || after.Target != "m" {
			t.Errorf("%s: %+v", name, after)
		}
	}
}
