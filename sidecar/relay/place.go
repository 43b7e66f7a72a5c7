package relay

import (
	"slices"
	"time"
)

// place is where Ollama keeps one runner, which the models there share: they have its
// slots together, and take turns. It is guarded by admission.mu.
type place struct {
	home     home
	lanes    []*lane // whose turn it is next first
	inFlight int
	alone    int // suspects that all others wait for, until their first chunk
}

// next is the attempt that is to be sent now at a place; nil for none. A suspect waits
// for a quiet moment; one that has waited long for it goes first, still one at a time.
func (a *admission) next(p *place) *flight {
	if p.alone > 0 || p.inFlight >= a.limit() {
		return nil
	}
	for _, choose := range []func(*lane) *flight{(*lane).urgent, (*lane).first, (*lane).suspect} {
		for _, l := range p.lanes {
			if f := choose(l); f != nil && a.admits(l) && (f.urgent || !f.suspect || p.inFlight == 0) {
				return f
			}
		}
	}
	return nil
}

// free says that an attempt may be sent at once. Nobody waits before it then: who may
// be sent does not wait.
func (a *admission) free(l *lane, f *flight) bool {
	p := l.place
	return p.alone == 0 && p.inFlight < a.limit() && a.admits(l) && (!f.suspect || p.inFlight == 0)
}

// admits says that the gate lets another one of the lane through now.
func (a *admission) admits(l *lane) bool {
	if l.inFlight > 0 && !l.waived && a.unproved(l) {
		return false
	}
	if a.gate.All != nil {
		return a.mayTry(l)
	}
	return a.gate.closes(l.name) == nil
}

func (a *admission) limit() int {
	if a.maxInFlight > 0 {
		return a.maxInFlight
	}
	return a.slots + 1
}

// dispatch sends as many waiting attempts as the gate and the limit let through.
func (a *admission) dispatch(p *place) {
	if a.gate.All != nil {
		a.dispatchTrial()
		return
	}
	for f := a.next(p); f != nil; f = a.next(p) {
		a.send(f)
	}
}

// send ends an attempt's waiting.
func (a *admission) send(f *flight) {
	l := a.laneOf(f)
	l.pass(f.key)
	l.remove(f)
	a.waiting--
	a.grant(l, f)
	close(f.wake)
}

func (a *admission) grant(l *lane, f *flight) {
	f.granted, f.sentAt = true, time.Now()
	a.board(l, f)
	if f.suspect {
		f.alone = true
		l.place.alone++
	}
	l.place.pass(l)
	if a.gate.All != nil {
		a.trial = f
	}
	a.try(l, f)
}

// board counts an attempt as with Ollama.
func (a *admission) board(l *lane, f *flight) {
	a.flights[f] = struct{}{}
	l.inFlight++
	l.place.inFlight++
}

// pass moves the lane whose turn it was to the end.
func (p *place) pass(l *lane) {
	if i := slices.Index(p.lanes, l); i >= 0 && i < len(p.lanes)-1 {
		p.lanes = append(slices.Delete(p.lanes, i, i+1), l)
	}
}

// lane finds or makes the lane of a model.
func (a *admission) lane(s *subject) *lane {
	l := a.lanes[s.lane]
	if l == nil {
		p := a.places[s.home]
		if p == nil {
			p = &place{home: s.home}
			a.places[s.home] = p
		}
		l = &lane{name: s.lane, model: s, place: p}
		a.lanes[s.lane] = l
		p.lanes = append(p.lanes, l)
	}
	return l
}

func (a *admission) laneOf(f *flight) *lane { return a.lane(f.subject.Load()) }

// forget drops a lane that nobody is in, and its place with the last. Names come from
// clients, so lanes that stayed would grow without bound.
func (a *admission) forget(l *lane) {
	if l.inFlight > 0 || len(l.turns) > 0 || len(l.suspects) > 0 {
		return
	}
	delete(a.lanes, l.name)
	l.place.lanes = slices.DeleteFunc(l.place.lanes, func(other *lane) bool { return other == l })
	if len(l.place.lanes) == 0 {
		delete(a.places, l.place.home)
	}
}
