package gpu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// Run keeps a child process until ctx ends: it starts it, starts it again with
// backoff after its death, and ends it. It returns nil, always; call it once.
//
// A child that survives SIGKILL (stuck in the driver) is abandoned: no second
// one starts while it exists, and Run does not wait for it. The goroutine that
// reaps it is then all that stays behind.
func (c *Client) Run(ctx context.Context) error {
	defer close(c.ended)
	backoff := c.delays.backoffFirst
	for ctx.Err() == nil {
		startedAt := time.Now()
		view, again := c.live(ctx)
		if again || ctx.Err() != nil {
			continue
		}
		c.settle(view)
		if time.Since(startedAt) > c.delays.stable {
			backoff = c.delays.backoffFirst
		}
		c.refuse(ctx, view, nil, backoff/2+rand.N(backoff/2+1), true)
		backoff = min(2*backoff, c.delays.backoffMost)
	}
	c.answer(unknown("the GPU view has ended"))
	return nil
}

// live is one child's life. It returns the unknown view that holds after it, or
// again when the next child is wanted at once.
func (c *Client) live(ctx context.Context) (view evidence.GPUView, again bool) {
	cmd, err := c.config.Command()
	if err != nil {
		return unknown(err.Error()), false
	}
	child, err := startChild(cmd, c.wait)
	if err != nil {
		return unknown(err.Error()), false
	}
	c.config.Log.Debug("nvml process started", "pid", cmd.Process.Pid)
	talk := conversation{client: c, child: child}
	end := talk.run(ctx)
	if !c.finish(ctx, child, &end) {
		return end.view, false
	}
	return end.view, end.renew
}

// finish ends the child, by force when it does not go. It reports false when
// the child had to be abandoned.
func (c *Client) finish(ctx context.Context, child *child, end *ending) bool {
	defer child.drop()
	// The steps are bounded, so that they may outlive ctx.
	patient := context.WithoutCancel(ctx)
	busy := unknown("the NVML process is being ended")
	_ = child.stdin.Close()
	gone := end.calm && c.refuse(patient, busy, child.gone, c.delays.closing, false)
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if gone {
			break
		}
		if err := child.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.config.Log.Warn("cannot signal nvml process", "signal", signal.String(), "err", err)
		}
		gone = c.refuse(patient, busy, child.gone, c.delays.terminating, false)
	}
	if !gone {
		end.view = unknown(fmt.Sprintf("process %d is stuck in the NVIDIA driver and cannot be ended",
			child.cmd.Process.Pid))
		c.settle(end.view)
		c.refuse(ctx, end.view, child.gone, forever, false)
		return false
	}
	if end.died {
		end.view = unknown(child.death())
	}
	return true
}

const forever time.Duration = -1

// refuse answers every question with view until the event has come (it reports
// true), the time is over or ctx has ended. Where a fresh look is worth an
// early end of the wait, a question for one is kept and ends it.
func (c *Client) refuse(
	ctx context.Context, view evidence.GPUView, event <-chan struct{}, limit time.Duration, freshEnds bool,
) bool {
	var over <-chan time.Time
	if limit >= 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	for {
		select {
		case <-event:
			return true
		case <-over:
			return false
		case <-ctx.Done():
			return false
		case q := <-c.asked:
			if q.fresh && freshEnds {
				c.pending = &q
				return false
			}
			view.SeenAt = time.Now()
			q.answer <- view
		}
	}
}

// settle answers the pending question with an unknown view and logs the loss.
// The same reason is logged once: a host without a GPU tells it every minute.
func (c *Client) settle(view evidence.GPUView) {
	c.answer(view)
	if c.known || view.Reason != c.lastReason {
		c.config.Log.Warn("gpu view unknown", "reason", view.Reason)
	}
	c.known, c.lastReason = false, view.Reason
}

// answer gives the pending question its view, if there is one.
func (c *Client) answer(view evidence.GPUView) {
	if c.pending != nil {
		c.pending.answer <- view
		c.pending = nil
	}
}
