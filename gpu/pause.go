package gpu

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// pause is a time without a child that could be asked.
type pause struct {
	// answer is given to all who ask meanwhile.
	answer evidence.GPUView
	// event ends the pause, if it is not nil.
	event <-chan struct{}
	limit time.Duration
	fresh freshQuestion
}

const forever time.Duration = -1

// freshQuestion says what becomes of one who asks for a fresh view.
type freshQuestion int

const (
	refuseQuestion freshQuestion = iota
	keepQuestion                 // for the next child
	endPause                     // keep it, and let the next child start now; suspend as well
)

// pause answers questions until the event has come (it reports true), the time
// is over, ctx has ended or what is asked is worth an early end.
func (c *Client) pause(ctx context.Context, p pause) bool {
	var over <-chan time.Time
	if p.limit != forever {
		timer := time.NewTimer(p.limit)
		defer timer.Stop()
		over = timer.C
	}
	var suspending <-chan suspension
	if p.fresh == endPause {
		suspending = c.suspending
	}
	for {
		select {
		case <-p.event:
			return true
		case <-over:
			return false
		case <-ctx.Done():
			return false
		case s := <-suspending:
			c.suspension = &s
			return false
		case q := <-c.asked:
			if !q.fresh || p.fresh == refuseQuestion || c.pending != nil {
				p.answer.SeenAt = time.Now()
				q.answer <- p.answer
				continue
			}
			c.pending = &q
			if p.fresh == endPause {
				return false
			}
		}
	}
}
