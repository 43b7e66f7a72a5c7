package relay

import (
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// admission decides which requests are sent, which wait and which are refused.
// Its lock is held for decisions only, never while anything is read or written.
type admission struct {
	queueLength int
	maxInFlight int

	mu       sync.Mutex
	gate     *Gate
	models   *listed
	slots    int
	lanes    map[string]*lane
	places   map[home]*place
	flights  map[*flight]struct{} // sent and not ended
	waiting  int
	proofs   map[string]bool // titles of models that have given a first chunk which the gate has yet to tell
	trial    *flight         // let through a gate that is closed for all, as the proof
	draining bool
	quiet    chan struct{} // closed when draining is done
}

func newAdmission(config Config) *admission {
	return &admission{
		queueLength: config.QueueLength, maxInFlight: config.MaxInFlight, slots: 1,
		gate: &Gate{State: "starting", All: &Closure{
			Reason: "Clawgate has just started and has not seen the model answer yet", MayHold: true,
		}},
		models: &listed{main: ollama.NormalizeModel(config.Model)},
		lanes:  map[string]*lane{}, places: map[home]*place{}, flights: map[*flight]struct{}{},
		proofs: map[string]bool{}, quiet: make(chan struct{}),
	}
}

// enter returns when the attempt may be sent, or must not be.
func (a *admission) enter(f *flight) *refusal {
	refused, decided := a.tryEnter(f)
	if f.shut {
		f.post(evidence.Sign{Kind: evidence.SignWanted})
	}
	if decided {
		return refused
	}
	defer func() { f.spent += time.Since(f.since) }()
	return a.await(f)
}

func (a *admission) tryEnter(f *flight) (refused *refusal, decided bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.draining {
		return a.refuseDraining(), true
	}
	f.since = time.Now()
	f.subject.Store(a.models.subject(&f.peek))
	l := a.laneOf(f)
	if a.free(l, f) {
		a.grant(l, f)
		return nil, true
	}
	closure := a.gate.closure(l.name)
	f.shut = closure != nil
	left := f.allowance(closure) - f.spent
	if f.shut && (!closure.MayHold || left <= 0) {
		a.forget(l)
		return a.refuseClosed(closure), true
	}
	if refused = a.refuseWaiting(l, f, left); refused != nil {
		a.forget(l)
		return refused, true
	}
	f.wake = make(chan struct{})
	l.add(f)
	a.waiting++
	a.dispatch(l.place)
	return nil, f.granted
}

func (a *admission) refuseWaiting(l *lane, f *flight, left time.Duration) *refusal {
	var giving *flight
	if a.waiting >= a.queueLength && !f.kept {
		if giving = a.newestOfMost(f.key); giving == nil {
			return a.refuseFull(l)
		}
	}
	if left <= 0 {
		return a.refuseLate(l)
	}
	if giving != nil {
		a.expel(giving, l)
	}
	return nil
}

// await waits for the decision, the client's leaving, or the end of the budget.
func (a *admission) await(f *flight) *refusal {
	timer := time.NewTimer(a.firstLook(f))
	defer timer.Stop()
	for {
		select {
		case <-f.wake:
			return f.refusal
		case <-f.ctx.Done():
			return a.giveUp(f)
		case <-timer.C:
			again, refused := a.look(f)
			if refused != nil {
				return refused
			}
			timer.Reset(again)
		}
	}
}

// firstLook is half the budget for a suspect, which then stops waiting for a
// quiet moment, and all of it for others.
func (a *admission) firstLook(f *flight) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := f.allowance(a.gate.closure(a.laneOf(f).name)) - f.spent
	if f.suspect {
		return left / 2
	}
	return left
}

// look is what happens when a waiting attempt's timer fires. The gate may have
// changed since it was set, and with it the budget.
func (a *admission) look(f *flight) (again time.Duration, refused *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.granted || f.refusal != nil {
		return time.Hour, nil // decided this moment; wake says so
	}
	l := a.laneOf(f)
	closure := a.gate.closure(l.name)
	left := f.allowance(closure) - f.spent - time.Since(f.since)
	if left > 0 {
		f.urgent = f.suspect
		a.dispatch(l.place)
		return left, nil
	}
	a.drop(l, f)
	if closure != nil {
		return 0, a.refuseClosed(closure)
	}
	return 0, a.refuseLate(l)
}

func (a *admission) giveUp(f *flight) *refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case f.granted:
		return nil // the attempt finds its context ended and leaves
	case f.refusal != nil:
		return f.refusal
	}
	a.drop(a.laneOf(f), f)
	return &refusal{gone: true}
}

// leave ends an attempt that was granted.
func (a *admission) leave(f *flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.laneOf(f)
	l.took(time.Since(f.sentAt))
	delete(a.flights, f)
	l.inFlight--
	l.place.inFlight--
	l.waived = l.waived && l.inFlight > 0
	a.endTrial(l, f)
	if a.trial == f {
		a.trial = nil
	}
	if f.ended != nil {
		close(f.ended)
	}
	a.dispatch(l.place)
	a.forget(l)
	a.checkQuiet()
}

func (a *admission) setGate(gate *Gate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gate = gate
	a.forgetProofs()
	if gate.All == nil {
		a.trial = nil
	}
	for f := range a.flights {
		if f.firstPiece.Load() == 0 {
			a.try(a.laneOf(f), f)
		}
	}
	a.sort()
}

// sort refuses those that may not wait at the gate as it is now, and sends those that it
// lets through.
func (a *admission) sort() {
	for _, l := range a.lanes {
		if closure := a.gate.closure(l.name); closure != nil {
			l.waived = false
			a.refuseSome(l, a.refuseClosed(closure), func(f *flight) bool { return !closure.MayHold || f.waitsNoLonger(closure) })
		}
	}
	for _, p := range a.places {
		a.dispatch(p)
	}
	for _, l := range a.lanes {
		a.forget(l)
	}
}

func (a *admission) setSlots(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slots = max(1, n)
	a.sort()
}

// closed says whether the gate is closed for an attempt that was let through.
func (a *admission) closed(f *flight) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trial != f && a.gate.closure(f.subject.Load().lane) != nil
}

func (a *admission) state() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate.State
}
