package policy

import "github.com/clawdbot/clawgate/sidecar/verdict"

// firstRung is the least that may help. What was tried since the model was last
// ready is not tried again, until it has been ready for long (Stable).
func firstRung(m Machine, e Event) Rung {
	switch {
	case e.Judgement.ServerGone:
		return Start
	case e.Judgement.Need == verdict.MakeRoom:
		return MakeRoom
	case e.Judgement.Model == "" || e.UnloadsSpent:
		return Restart
	case m.Tried.Rung == NoRung, m.Tried.Rung == MakeRoom, m.Tried.Rung == Unload && m.Tried.Model != e.Judgement.Model:
		return Unload
	default:
		return Restart
	}
}

func (m Machine) drained(e Event) (Machine, Task) {
	if m.State != Isolated || !m.Draining() || m.Passive && !m.Plan.ByPerson {
		return m, Nothing
	}
	if m.Plan.Rung.Cuts() && !e.BudgetLeft && !m.Plan.ByPerson {
		m.State, m.Tried.Rung, m.Plan = Exhausted, m.Plan.Rung, Plan{} // what the budget has no room for counts as tried
		return m, Nothing
	}
	m.State, m.Tried = Recovering, Attempt{m.Plan.Rung, m.Target}
	return m, Remedy
}

// remedyFailed climbs, but not from a remedy for a model that answered before it:
// there is nothing to climb for until the model is found silent.
func (m Machine) remedyFailed(e Event) (Machine, Task) {
	if m.State != Recovering {
		return m, Nothing
	}
	answered := m.Plan.WhenQuiet
	m.Plan = Plan{}
	if answered {
		m.State = Verifying
		return m, Probe
	}
	return m.escalate(e)
}

// escalate goes for the next rung, or waits when there is none. A restart cuts
// what the unload did not, so that moving streams are let finish first.
func (m Machine) escalate(e Event) (Machine, Task) {
	switch {
	case m.Tried.Rung == MakeRoom:
		return m.roomMade(e)
	case m.Tried.Rung.Cuts():
		m.State = Backoff
		return m, Wait
	case m.Passive:
		m.State = Isolated
		return m, Nothing
	case !e.BudgetLeft:
		m.State = Exhausted
		return m, Nothing
	}
	return m.drainFor(Restart, m.Target, e)
}

// roomMade goes on after other models have left memory, or would not. What may
// come next depends on who holds the memory, which the judgement tells.
func (m Machine) roomMade(e Event) (Machine, Task) {
	if e.Kind == RemedyFailed {
		m.State = Verifying
		return m, Probe
	}
	return m.drainFor(firstRung(m, e), e.Judgement.Model, e)
}

// drainFor makes a remedy due. Another model than the main one is given up before
// anything is cut for it.
func (m Machine) drainFor(rung Rung, model string, e Event) (Machine, Task) {
	m.Target = model
	if rung.Cuts() && e.FocusOnOther && model != "" {
		m.State, m.Plan = Exhausted, Plan{}
		return m, Nothing
	}
	m.State, m.Plan = Isolated, Plan{Rung: rung}
	return m, Drain
}
