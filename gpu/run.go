package gpu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/clawdbot/clawgate/evidence"
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
		if c.suspension != nil {
			c.suspend(ctx)
			continue
		}
		startedAt := time.Now()
		view, again := c.live(ctx)
		if again || ctx.Err() != nil {
			continue
		}
		c.settle(view)
		if time.Since(startedAt) > c.delays.stable {
			backoff = c.delays.backoffFirst
		}
		if c.pending == nil && c.suspension == nil {
			c.pause(ctx, pause{answer: view, limit: backoff/2 + rand.N(backoff/2+1), fresh: endPause})
		}
		backoff = min(2*backoff, c.delays.backoffMost)
	}
	c.answer(unknown(errEnded.Error()))
	return nil
}

// live is one child's life. It returns the unknown view that holds after it, or
// again when the next child is wanted at once.
func (c *Client) live(ctx context.Context) (view evidence.GPUView, again bool) {
	if c.pending != nil {
		c.pending.due = true
	}
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
	if !end.died && !end.renew {
		c.answer(end.view)
	}
	ended := c.finish(ctx, child, &end)
	return end.view, ended && (end.renew || c.suspension != nil)
}

// finish ends the child, by force when it does not go. It reports false when
// the child had to be abandoned.
func (c *Client) finish(ctx context.Context, child *child, end *ending) bool {
	defer child.drop()
	// The steps are bounded, so that they may outlive ctx.
	patient := context.WithoutCancel(ctx)
	step := pause{answer: unknown("the NVML process is being ended"), event: child.gone, fresh: keepQuestion}
	_ = child.stdin.Close()
	step.limit = c.delays.closing
	gone := end.calm && c.pause(patient, step)
	step.limit = c.delays.terminating
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if gone {
			break
		}
		if err := child.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.config.Log.Warn("cannot signal nvml process", "signal", signal.String(), "err", err)
		}
		gone = c.pause(patient, step)
	}
	if !gone {
		end.view = unknown(fmt.Sprintf("process %d is stuck in the NVIDIA driver and cannot be ended",
			child.cmd.Process.Pid))
		c.answer(end.view)
		c.settle(end.view)
		c.pause(ctx, pause{answer: end.view, event: child.gone, limit: forever})
		return false
	}
	if end.died {
		end.view = unknown(child.death())
	}
	return true
}

// settle notes that the view is lost. A question that only came while the last
// child was ending is left to the next one. The same reason is logged once: a
// host without a GPU tells it every minute.
func (c *Client) settle(view evidence.GPUView) {
	if c.pending != nil && c.pending.due {
		c.answer(view)
	}
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
