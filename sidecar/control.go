package sidecar

import (
	"context"
	"errors"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// control passes on what a person asks for. It implements admin.Control and may be
// called from any goroutine.
type control struct{ s *supervisor }

// Pause opens the gate and takes no remedy until Resume.
func (c control) Pause(ctx context.Context, reason string) error {
	return c.ask(ctx, watch.PauseAsked{Reason: reason}, func() error { return nil })
}

// Resume ends a pause. What was due meanwhile is judged anew.
func (c control) Resume(ctx context.Context) error {
	return c.ask(ctx, watch.ResumeAsked{}, func() error { return nil })
}

// Restart restarts the container even while paused.
func (c control) Restart(ctx context.Context) error {
	return c.ask(ctx, watch.RestartAsked{}, func() error {
		now := time.Now()
		return c.s.keeper.MayRestart(now, c.s.present(now))
	})
}

// ask has the loop take what is asked for, if nothing forbids it. It returns once it is
// decided, and before it is done.
func (c control) ask(ctx context.Context, asked watch.Observation, forbids func() error) error {
	answer := make(chan error, 1)
	c.s.post(ctx, 0, func() watch.Observation {
		err := forbids()
		answer <- err
		if err != nil {
			return watch.Tick{}
		}
		return asked
	})
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errors.New("the supervisor did not answer in time")
	}
}
