package policy

import "github.com/clawdbot/clawgate/sidecar/verdict"

// Machine is where Clawgate stands.
type Machine struct {
	State State
	// Target is the model that the trouble is about; empty for the whole server.
	Target string
	// Plan is the remedy that is due, or being taken; the zero one while there is none.
	Plan Plan
	// Tried is the highest rung that was taken since the model was last found ready.
	Tried Attempt
	// Passive is set while Clawgate only watches: paused, or MODE=observe. No
	// remedy is taken then, unless a person asks for it.
	Passive bool
}

// Plan is a remedy for the machine's target, from being due to its end.
type Plan struct {
	Rung Rung
	// WhenQuiet says that it was put off until a quiet moment: the model answers, and
	// that does not call it off.
	WhenQuiet bool
	// ByPerson says that a person asked for it.
	ByPerson bool
}

// Attempt is a rung that was taken, for a model; for the whole server where that is empty.
type Attempt struct {
	Rung  Rung
	Model string
}

// Draining says that a remedy is due and waits for streams that move.
func (m Machine) Draining() bool { return m.Plan.Rung != NoRung && m.State != Recovering }

// Rung is the one that is planned, or else the highest that was taken.
func (m Machine) Rung() Rung {
	if m.Plan.Rung != NoRung {
		return m.Plan.Rung
	}
	return m.Tried.Rung
}

// Step is what one event makes of one state. It is pure, and tested over every pair. Late events of an earlier run are dropped before.
func Step(m Machine, e Event) (Machine, Task) {
	switch e.Kind {
	case Drained:
		return m.drained(e)
	case RemedyDone:
		if m.State == Recovering {
			m.Plan = Plan{}
		}
		return m.when(Recovering, Verifying, Probe)
	case RemedyFailed:
		return m.remedyFailed(e)
	case LoadFailed:
		return m.loadFailed()
	case BackoffElapsed:
		return m.when(Backoff, Starting, Probe)
	case Replaced:
		return Machine{State: Starting, Passive: m.Passive}, Probe
	case RestartRequested:
		return m.restartRequested(e)
	case QuietMoment:
		return m.quiet(e)
	case Disturbed:
		if m.Plan.WhenQuiet && !m.Plan.ByPerson {
			m = m.callOff()
		}
		return m, Nothing
	case SetAside:
		if m.State != Exhausted {
			return m, Nothing
		}
		return Machine{State: Starting, Passive: m.Passive}, Probe
	case RestartWithdrawn, Paused, Resumed, Stable:
		return m.noted(e), Nothing
	default:
		return m.judged(e)
	}
}

// Begin is where a machine stands that knows nothing yet. Only watching is
// CLAWGATE_MODE=observe.
func Begin(observe bool) Machine { return Machine{State: Starting, Passive: observe} }

// noted takes what changes no state: what a person wants, and what is over.
func (m Machine) noted(e Event) Machine {
	switch e.Kind {
	case RestartWithdrawn:
		if m.Plan.ByPerson {
			m = m.callOff()
		}
	case Paused:
		m.Passive = true
	case Resumed:
		m.Passive = e.Observe
		if !m.Plan.ByPerson {
			m = m.callOff()
		}
	case Stable:
		if m.State == Ready {
			m.Tried = Attempt{}
		}
	}
	return m
}

// when moves from one state to another and leaves all others alone.
func (m Machine) when(from, to State, task Task) (Machine, Task) {
	if m.State != from {
		return m, Nothing
	}
	m.State = to
	return m, task
}

// judged handles judgements. On a rung of the ladder they mean nothing: the
// server is being changed under them.
func (m Machine) judged(e Event) (Machine, Task) {
	if m.State == Recovering || m.Plan.ByPerson {
		return m, Nothing
	}
	need := e.Judgement.Need
	if need == verdict.HandsOff {
		return Machine{State: Stopped, Passive: m.Passive}, Nothing
	}
	if m.State == Stopped {
		return Machine{State: Starting, Passive: m.Passive}, Probe
	}
	if e.FocusOnOther && e.AboutMain && m.awaitsMain() {
		return m.beside(e)
	}
	switch need {
	case verdict.Nothing:
		return m.answers()
	case verdict.MendWhenQuiet:
		if m.Plan.WhenQuiet {
			return m, Nothing
		}
		return m.answers()
	case verdict.Person:
		return m.hopeless(e)
	case verdict.Patience, verdict.Arrival:
		return m.works(e)
	case verdict.Load, verdict.Reload:
		return m.unloaded(e)
	case verdict.Pull:
		return m.missing(e)
	case verdict.Wait:
		return m.silent(e)
	case verdict.Mend, verdict.MakeRoom, verdict.MendWithBudget:
		return m.due(e)
	default: // Proof
		return m, Nothing
	}
}

// awaitsMain says that the main model is yet to come, and may never.
func (m Machine) awaitsMain() bool {
	return m.State == Starting || m.State == Loading || m.State == Backoff || m.State == Exhausted
}

// beside takes what is found of another model while the main one is awaited: that it
// answers is no word on the main one, and that it does not is mended all the same.
func (m Machine) beside(e Event) (Machine, Task) {
	switch e.Judgement.Need {
	case verdict.Mend, verdict.MakeRoom, verdict.MendWithBudget:
		if e.Judgement.Model == "" {
			return m, Nothing
		}
		m.Tried = Attempt{} // that was for the main one
		return m.drainFor(firstRung(m, e), e.Judgement.Model, e)
	}
	return m, Nothing
}

func (m Machine) answers() (Machine, Task) {
	return Machine{State: Ready, Tried: m.callOff().Tried, Passive: m.Passive}, Nothing
}

// quiet begins a remedy that was put off. While Clawgate only watches it shows
// as a judgement alone: the model answers.
func (m Machine) quiet(e Event) (Machine, Task) {
	rung, allowed := Restart, e.BudgetLeft
	if e.Judgement.Model != "" { // it is about one load of a model, and no more than that
		rung, allowed = Unload, !e.UnloadsSpent
	}
	if m.State != Ready || m.Passive || !allowed {
		return m, Nothing
	}
	m.State, m.Target, m.Plan = Isolated, e.Judgement.Model, Plan{Rung: rung, WhenQuiet: true}
	return m, Drain
}

// hopeless: the gate closes for what the trouble is about. A model that is not
// in memory is loaded now and then, to see whether that has changed.
func (m Machine) hopeless(e Event) (Machine, Task) {
	m = m.callOff()
	m.State, m.Target = Exhausted, e.Judgement.Model
	return m, stillTry(e)
}

// callOff ends a drain without its remedy, which then counts as not tried.
func (m Machine) callOff() Machine {
	if m.Draining() {
		m.Plan, m.Tried.Rung = Plan{}, NoRung
	}
	return m
}

// works: something moves, so a remedy that was due is called off.
func (m Machine) works(e Event) (Machine, Task) {
	if m.Plan.WhenQuiet && m.State == Isolated {
		m.State = Ready // the model answered before that drain
	}
	m = m.callOff()
	if m.State == Starting && e.Judgement.Need == verdict.Arrival {
		m = m.loading(e)
	}
	return m, Nothing
}

// loading waits for the model that is judged, and for no other.
func (m Machine) loading(e Event) Machine {
	m.State, m.Target = Loading, e.Judgement.Model
	return m
}

// unloaded: the server is up without the model. A ready gate stays open when
// the model merely left memory: Ollama loads it for whoever asks first. After a
// crash it closes until the model is back.
func (m Machine) unloaded(e Event) (Machine, Task) {
	m = m.callOff()
	switch m.State {
	case Ready:
		if e.Judgement.Need == verdict.Reload {
			m = m.loading(e)
		}
	case Starting, Isolated:
		m = m.loading(e)
	case Backoff:
		return m, Nothing
	}
	return m, LoadModel
}

func (m Machine) missing(e Event) (Machine, Task) {
	m = m.callOff()
	if m.State == Backoff {
		return m, Nothing
	}
	return m.loading(e), PullModel
}

// silent: nothing answers, and nothing can or should be done about it yet.
func (m Machine) silent(e Event) (Machine, Task) {
	m = m.callOff()
	switch m.State {
	case Starting, Loading, Ready, Isolated:
		m.State, m.Target = Isolated, e.Judgement.Model
	case Verifying:
		if verdict.Of(e.Judgement.Verdict).Standing == verdict.Beyond { // it is about the device, whatever was mended
			m.State, m.Target = Isolated, e.Judgement.Model
		}
	}
	return m, Nothing
}

// due: a problem that only a remedy mends.
func (m Machine) due(e Event) (Machine, Task) {
	switch m.State {
	case Verifying:
		if e.Judgement.Model == "" || e.Judgement.Model == m.Target || m.Target == "" {
			return m.escalate(e)
		}
	case Backoff:
		return m, Nothing
	case Exhausted:
		if !e.BudgetLeft {
			return m, stillTry(e)
		}
	}
	if m.Draining() && !m.Plan.WhenQuiet {
		return m, Nothing
	}
	m = m.callOff() // what could wait gives way to what cannot
	return m.drainFor(firstRung(m, e), e.Judgement.Model, e)
}

// stillTry is what remains without budget. A model whose runner died is not in
// memory: it could never answer again if nobody loaded it.
func stillTry(e Event) Task {
	if verdict.Of(e.Judgement.Verdict).Meanwhile == verdict.Load || verdict.Of(e.Judgement.Behind).Meanwhile == verdict.Load {
		return LoadModel
	}
	return Nothing
}

func (m Machine) loadFailed() (Machine, Task) {
	switch m.State {
	case Starting, Loading, Verifying:
		m.State = Backoff
		return m, Wait
	}
	return m, Nothing
}

func (m Machine) restartRequested(e Event) (Machine, Task) {
	if m.State == Recovering || m.Plan.ByPerson {
		return m, Nothing
	}
	m.Target, m.Plan = "", Plan{Rung: Restart, ByPerson: true}
	if m.State == Stopped || e.Judgement.ServerGone {
		m.Plan.Rung = Start
	}
	m.State = Isolated
	return m, Drain
}
