package relay

import (
	"slices"
	"time"
)

// lane is what concerns one model: which requests of it wait, and how many are with
// Ollama. Among those that wait, the keys take turns, each first come first served;
// suspects come after all of them. It is guarded by admission.mu.
type lane struct {
	name     string
	model    *subject
	place    *place
	inFlight int
	waived   bool // nobody waits for its proof any more, see trial.go
	turns    []string
	queues   map[string][]*flight
	suspects []*flight
	typical  time.Duration // how long an attempt takes, smoothed
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

// first is whose turn it is among those that are no suspects; nil for nobody's.
func (l *lane) first() *flight {
	if len(l.turns) == 0 {
		return nil
	}
	return l.queues[l.turns[0]][0]
}

// suspect is the one that has waited longest; nil for none.
func (l *lane) suspect() *flight {
	if len(l.suspects) == 0 {
		return nil
	}
	return l.suspects[0]
}

// urgent is the same, if it has waited long enough to go before the others.
func (l *lane) urgent() *flight {
	if f := l.suspect(); f != nil && f.urgent {
		return f
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

// drop takes a waiting attempt out.
func (a *admission) drop(l *lane, f *flight) {
	l.remove(f)
	a.waiting--
	a.dispatch(l.place)
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
