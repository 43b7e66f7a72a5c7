package balance

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// Why the pool ends an attempt.
var (
	// errMoved: the sidecar closed its gate for the model, and another serves it.
	errMoved = errors.New("another sidecar serves the model")
	// ErrLost: the sidecar has not answered anything for long.
	ErrLost = errors.New("the sidecar does not answer")
)

const (
	// lostUnanswered is for how long a sidecar may answer no look before requests
	// without a byte leave it. A busy machine may be late for some seconds.
	lostUnanswered = 10 * time.Second
	// lostStreams is the same for answers that have begun and would be cut, and
	// have been silent for as long: a look may fail where streams move.
	lostStreams = 30 * time.Second
	// closedSettled is for how long a gate has to be known as closed before a
	// request leaves it and counts as one that an Ollama may have seen: the relay
	// refuses those that none has seen by itself, and that answer may be on its way.
	closedSettled = 100 * time.Millisecond
)

// Attempt is a request that is with a sidecar.
type Attempt struct {
	sidecar  *Sidecar
	model    string
	movable  bool // no byte of an answer yet, and it can be sent again
	leave    func(cause error)
	leftOnce bool
	closed   time.Time    // since when its gate is known to be closed and another's to be open; else zero
	moved    atomic.Int64 // when it began, or the last piece came, in Unix nanoseconds
}

// Begin counts a request to a sidecar. The pool calls leave, from any
// goroutine and at most once, when it had better not stay: with errMoved only
// if movable, and with ErrLost. It holds its lock then, so leave must neither
// block nor call the pool.
func (p *Pool) Begin(s *Sidecar, model string, movable bool, leave func(cause error)) *Attempt {
	a := &Attempt{sidecar: s, model: model, movable: movable, leave: leave}
	a.Moves(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	s.inFlight++
	p.attempts[a] = struct{}{}
	return a
}

// Answered says that the client is about to get a byte: the request cannot move
// any more. It is false when the attempt has been told to leave this moment;
// the client must get nothing of its answer then.
func (p *Pool) Answered(a *Attempt) (stays bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.movable = false
	return !a.leftOnce
}

// Moves says that a piece of the answer has come.
func (a *Attempt) Moves(now time.Time) { a.moved.Store(now.UnixNano()) }

// End uncounts it.
func (p *Pool) End(a *Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.sidecar.inFlight--
	delete(p.attempts, a)
}

// dismiss tells the attempts that had better not stay where they are. It is
// called with the lock held, so that none of them can get a byte in between.
func (p *Pool) dismiss(now time.Time) {
	for a := range p.attempts {
		if cause := p.causeToLeave(a, now); cause != nil && !a.leftOnce {
			a.leftOnce = true
			a.leave(cause)
		}
	}
}

func (p *Pool) causeToLeave(a *Attempt, now time.Time) error {
	standing := &a.sidecar.standing
	if !standing.reached {
		lost := now.Sub(standing.lostSince)
		silent := now.Sub(time.Unix(0, a.moved.Load()))
		if lost >= lostStreams && silent >= lostStreams || a.movable && lost >= lostUnanswered {
			return ErrLost
		}
		return nil
	}
	if !a.movable || !standing.closedFor(a.model) || !p.othersTake(a) {
		a.closed = time.Time{}
		return nil
	}
	if a.closed.IsZero() {
		a.closed = now
	}
	if now.Sub(a.closed) < closedSettled {
		return nil // until the next look
	}
	return errMoved
}

func (p *Pool) othersTake(a *Attempt) bool {
	return slices.ContainsFunc(p.sidecars, func(other *Sidecar) bool { return !other.same(a.sidecar) && other.standing.takes(a.model) })
}
