package gpu

import (
	"context"
	"fmt"
	"sync"

	"github.com/clawdbot/clawgate/evidence"
)

// suspension is one call of Suspend.
type suspension struct {
	closed chan struct{} // closed by Run: there is no child
	over   chan struct{} // closed by the caller: there may be one again
}

// Suspend ends the child process and lets no other start until resume is called:
// a driver resets no GPU that a process has open, and the child has all of them
// open. Views are unknown meanwhile. It returns once the process is gone, or with
// an error when that has not happened before ctx ends, which is for ever where the
// process is stuck in the driver. One suspension at a time: a second waits.
//
// Call resume exactly when err is nil; further calls do nothing.
func (c *Client) Suspend(ctx context.Context) (resume func(), err error) {
	s := suspension{closed: make(chan struct{}), over: make(chan struct{})}
	resume = sync.OnceFunc(func() { close(s.over) })
	select {
	case c.suspending <- s:
	case <-c.ended:
		return nil, errEnded
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot close the GPU view: %w", context.Cause(ctx))
	}
	select {
	case <-s.closed:
		return resume, nil
	case <-c.ended:
		err = errEnded
	case <-ctx.Done():
		err = fmt.Errorf("cannot end the NVML process: %w", context.Cause(ctx))
	}
	resume()
	return nil, err
}

// suspended is the view for as long as a suspension lasts.
func suspended() evidence.GPUView {
	return unknown("the GPU view is closed while a GPU is reset")
}

// suspend keeps the promise that Suspend made, until resume or the end of ctx.
// Of a caller that has left it has the word at once.
func (c *Client) suspend(ctx context.Context) {
	s := c.suspension
	c.suspension, c.known = nil, false
	c.answer(suspended())
	c.config.Log.Info("gpu view closed for a reset")
	close(s.closed)
	c.pause(ctx, pause{answer: suspended(), event: s.over, limit: forever})
}
