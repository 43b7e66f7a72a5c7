package sidecar

import (
	"context"
	"errors"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
)

// ErrRecovering refuses a restart by hand while a remedy is under way.
var ErrRecovering = errors.New("a remedy is under way already")

// control carries out what a person asks for, on the supervisor's goroutine. It
// implements admin.Control and may be called from any goroutine.
type control struct{ s *supervisor }

// Pause opens the gate and takes no remedy until Resume: the person knows better.
func (c control) Pause(ctx context.Context, reason string) error {
	return c.ask(ctx, func(s *supervisor) error {
		s.pausedFor = &reason
		s.handle(time.Now(), policy.Event{Kind: policy.Paused})
		s.report.operator(s, "pause", reason)
		return nil
	})
}

// Resume ends a pause. What was due meanwhile is judged anew.
func (c control) Resume(ctx context.Context) error {
	return c.ask(ctx, func(s *supervisor) error {
		s.pausedFor = nil
		s.handle(time.Now(), policy.Event{Kind: policy.Resumed, Observe: s.observe})
		s.report.operator(s, "resume", "")
		return nil
	})
}

// Restart restarts the container even while paused. It is charged to the
// budget, but not stopped by it.
func (c control) Restart(ctx context.Context) error {
	return c.ask(ctx, func(s *supervisor) error {
		if s.machine.State == policy.Recovering {
			return ErrRecovering
		}
		if !s.seen.engineAway.IsZero() {
			return errors.New("the container engine does not answer: " + s.seen.engineError)
		}
		if reason := s.misnamed(time.Now()); reason != "" {
			return errors.New("nothing is restarted: " + reason)
		}
		if s.seen.container.Status == evidence.Paused {
			return errors.New("the container is paused: unpause it first")
		}
		s.report.operator(s, "restart", "")
		s.handle(time.Now(), policy.Event{Kind: policy.RestartRequested, Judgement: s.judgement})
		return nil
	})
}

func (c control) ask(ctx context.Context, do func(*supervisor) error) error {
	answer := make(chan error, 1)
	c.s.post(ctx, 0, func() { answer <- do(c.s) })
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errors.New("the supervisor did not answer in time")
	}
}
