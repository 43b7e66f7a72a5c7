package relay

import "time"

// A model that has not proved itself in this run of the server may be frozen, or may
// take Ollama down when it is loaded. One request at a time finds out, and those behind
// it are not lost with it. The first chunk that comes is the proof, and the supervisor
// says so in the next gate.

// trialFor is how long the others wait for the one that was sent, from its sending on.
// A container that works then is busy with it: a load, or a long prompt.
const trialFor = 10 * time.Second

// trialAgain is between two looks at a container that was still.
const trialAgain = time.Second

// unproved says that the lane's model has yet to give a token, or a vector.
func (a *admission) unproved(l *lane) bool {
	if a.gate.Proved == nil || !l.model.known || l.model.model.Remote {
		return false
	}
	title := l.model.model.Title
	return !a.gate.Proved[title] && !a.proofs[title]
}

// mayTry says that the lane's next request may be the proof that all wait for. One of
// which nobody knows which model answers it, or that another machine answers, is none.
func (a *admission) mayTry(l *lane) bool {
	return a.gate.Trial && a.trial == nil && l.model.known && !l.model.model.Remote && a.gate.closes(l.name) == nil
}

// dispatchTrial lets one request of all through a closed gate: of those whose turn it is
// at their places the one that has waited longest, a suspect last.
func (a *admission) dispatchTrial() {
	if !a.gate.Trial || a.trial != nil {
		return
	}
	var chosen *flight
	for _, p := range a.places {
		f := a.next(p)
		if f != nil && (chosen == nil || chosen.suspect && !f.suspect || chosen.suspect == f.suspect && inOrder(f, chosen) < 0) {
			chosen = f
		}
	}
	if chosen != nil {
		a.send(chosen)
	}
}

// try makes a request that is with Ollama the proof of its model, if that needs one.
func (a *admission) try(l *lane, f *flight) {
	if a.unproved(l) && f.patience == nil {
		f.tried.Store(true)
		f.patience = time.AfterFunc(time.Until(f.sentAt.Add(trialFor)), func() { a.overdue(f) })
	}
}

// endTrial ends what an attempt was waited for.
func (a *admission) endTrial(l *lane, f *flight) {
	if f.alone {
		f.alone = false
		l.place.alone--
	}
	if f.patience != nil {
		f.patience.Stop()
		f.patience = nil
	}
}

// proved tells that a request that others wait for has got its first chunk: they need
// not wait for its end.
func (a *admission) proved(f *flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.laneOf(f)
	if a.unproved(l) {
		a.proofs[l.model.model.Title] = true
	}
	a.endTrial(l, f)
	a.dispatch(l.place)
}

// overdue lets those go that have waited long for a proof, if the container works.
func (a *admission) overdue(f *flight) {
	works := f.relay.config.Working()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case f.patience == nil: // it is over
	case !works:
		f.patience.Reset(trialAgain)
	default:
		l := a.laneOf(f)
		l.waived = true
		a.dispatch(l.place)
	}
}

// forgetProofs drops what this side has seen itself, and the gate tells now, or denies:
// it is closed over the model, or nobody keeps count any more.
func (a *admission) forgetProofs() {
	for title := range a.proofs {
		if a.gate.closure(title) != nil || a.gate.Proved == nil || a.gate.Proved[title] {
			delete(a.proofs, title)
		}
	}
}
