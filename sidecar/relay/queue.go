package relay

import (
	"slices"
	"time"
)

// lane is what concerns one model: how many requests of it are with Ollama, and
// which wait. Among those that wait, the keys take turns, each first come first
// served; suspects come after all of them. It is guarded by admission.mu.
type lane struct {
	name     string
	inFlight int
	alone    *flight // a suspect that others wait for, until its first chunk
	turns    []string
	queues   map[string][]*flight
	suspects []*flight
	typical  time.Duration // how long an attempt takes, smoothed
}

// free says that f may be sent at once, because nobody waits before it.
func (l *lane) free(f *flight, limit int) bool {
	if f.suspect {
		return l.inFlight == 0 && len(l.turns) == 0 && len(l.suspects) == 0
	}
	return l.alone == nil && l.inFlight < limit && len(l.turns) == 0
}

func (l *lane) add(f *flight) {
	if f.suspect {
		l.suspects = append(l.suspects, f)
		return
	}
	if l.queues == nil {
		l.queues = map[string][]*flight{}
	}
	if len(l.queues[f.key]) == 0 {
		l.turns = append(l.turns, f.key)
	}
	l.queues[f.key] = append(l.queues[f.key], f)
}

func (l *lane) remove(f *flight) {
	same := func(other *flight) bool { return other == f }
	if f.suspect {
		l.suspects = slices.DeleteFunc(l.suspects, same)
		return
	}
	l.queues[f.key] = slices.DeleteFunc(l.queues[f.key], same)
	if len(l.queues[f.key]) == 0 {
		delete(l.queues, f.key)
		l.turns = slices.DeleteFunc(l.turns, func(key string) bool { return key == f.key })
	}
}

// next is the attempt to be sent now, or nil. A suspect waits for a quiet
// moment; one that has waited long for it goes first, still one at a time.
func (l *lane) next(limit int) *flight {
	if l.alone != nil || l.inFlight >= limit {
		return nil
	}
	if len(l.suspects) > 0 && l.suspects[0].urgent {
		return l.suspects[0]
	}
	if len(l.turns) > 0 {
		return l.queues[l.turns[0]][0]
	}
	if len(l.suspects) > 0 && l.inFlight == 0 {
		return l.suspects[0]
	}
	return nil
}

// pass moves the key whose turn it was to the end.
func (l *lane) pass(key string) {
	if len(l.turns) > 1 && l.turns[0] == key {
		l.turns = append(l.turns[1:], key)
	}
}

// all are the attempts that wait.
func (l *lane) all() []*flight {
	waiting := slices.Clone(l.suspects)
	for _, queue := range l.queues {
		waiting = append(waiting, queue...)
	}
	return waiting
}

func (l *lane) took(d time.Duration) {
	if l.typical == 0 {
		l.typical = d
	}
	l.typical += (d - l.typical) / 8
}

func (a *admission) limit() int {
	if a.maxInFlight > 0 {
		return a.maxInFlight
	}
	return a.slots + 1
}

func (a *admission) lane(name string) *lane {
	l := a.lanes[name]
	if l == nil {
		l = &lane{name: name}
		a.lanes[name] = l
	}
	return l
}

// forget drops a lane that nobody is in. Names come from clients, so lanes
// that stayed would grow without bound.
func (a *admission) forget(l *lane) {
	if l.inFlight == 0 && len(l.turns) == 0 && len(l.suspects) == 0 {
		delete(a.lanes, l.name)
	}
}

// dispatch sends as many waiting attempts as the gate and the limit let through.
func (a *admission) dispatch(l *lane) {
	if a.gate.closure(l.name) != nil {
		return
	}
	for f := l.next(a.limit()); f != nil; f = l.next(a.limit()) {
		l.pass(f.key)
		l.remove(f)
		a.waiting--
		a.grant(l, f)
		close(f.wake)
	}
}

func (a *admission) grant(l *lane, f *flight) {
	f.granted, f.sentAt = true, time.Now()
	l.inFlight++
	if f.suspect {
		l.alone = f
	}
	a.flights[f] = struct{}{}
}

// drop takes a waiting attempt out.
func (a *admission) drop(l *lane, f *flight) {
	l.remove(f)
	a.waiting--
	a.dispatch(l)
	a.forget(l)
	a.checkQuiet()
}

func (a *admission) refuseAll(l *lane, why *refusal) {
	a.refuseSome(l, why, func(*flight) bool { return true })
}

func (a *admission) refuseSome(l *lane, why *refusal, refused func(*flight) bool) {
	for _, f := range l.all() {
		if !refused(f) {
			continue
		}
		l.remove(f)
		a.waiting--
		f.refusal = why
		close(f.wake)
	}
}
