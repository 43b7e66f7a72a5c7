package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

const (
	// helperLimit is how long a helper may run.
	helperLimit = 2 * time.Minute
	helperPoll  = 250 * time.Millisecond
	// helperStarts is how long a start whose answer was lost may take to show.
	helperStarts = 10 * time.Second
)

// Helper is a container that somebody created to do one thing and to end. It can
// be started and waited for, and nothing else.
type Helper struct {
	name   string
	engine *engine
}

// Helper returns the helper called name, on the container's engine.
func (c *Container) Helper(name string) (*Helper, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return &Helper{name: name, engine: c.engine}, nil
}

// Ready says why the helper could not be run now: it does not exist, runs already,
// or is one that the engine would start again.
func (h *Helper) Ready(ctx context.Context) error {
	seen, err := h.engine.inspect(ctx, h.name)
	if err == nil {
		err = refuseHelper(seen)
	}
	return h.explain(err)
}

// Run starts the helper, if it is ready, and waits until it has ended with exit
// code 0; any other end is an error. An evidence.ErrStartFailed says that it was not
// started. When ctx ends, or the helper takes longer than two minutes, Run returns
// and the helper goes on.
func (h *Helper) Run(ctx context.Context) error { return h.explain(h.run(ctx)) }

// Await waits until the helper does not run, two minutes at most. One that does not
// exist does not run.
func (h *Helper) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, helperLimit, fmt.Errorf("it has not ended within %s", helperLimit))
	defer cancel()
	for ctx.Err() == nil {
		seen, err := h.engine.inspect(ctx, h.name)
		switch {
		case err == nil && seen.Status != evidence.Running:
			return nil
		case err != nil && !errors.Is(err, ErrEngineAway): // refused: no patience changes that
			return h.explain(err)
		}
		_ = pause.For(ctx, helperPoll)
	}
	return h.explain(context.Cause(ctx))
}

func (h *Helper) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("helper container %q: %w", h.name, err)
}

func (h *Helper) run(ctx context.Context) error {
	before, err := h.engine.inspect(ctx, h.name)
	if err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrStartFailed, err)
	}
	if err := refuseHelper(before); err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrStartFailed, err)
	}
	err = h.engine.call(ctx, startLimit, func(ctx context.Context, cli *client.Client) error {
		return cli.ContainerStart(ctx, h.name, container.StartOptions{})
	})
	if err != nil && !h.started(ctx, before.StartedAt) {
		return fmt.Errorf("%w: %w", evidence.ErrStartFailed, err)
	}
	return h.await(ctx, before.StartedAt)
}

// started says that the helper runs, or may run, though its start was answered with
// an error: the answer may be lost, or be that of a proxy that did not wait for it.
func (h *Helper) started(ctx context.Context, lastStart time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, helperStarts)
	defer cancel()
	seen := false
	for ctx.Err() == nil {
		now, err := h.engine.inspect(ctx, h.name)
		if err == nil && now.StartedAt.After(lastStart) {
			return true
		}
		seen = seen || err == nil
		_ = pause.For(ctx, helperPoll)
	}
	return !seen
}

func refuseHelper(seen evidence.Container) error {
	switch {
	case seen.Status == evidence.Absent:
		return errors.New("it does not exist: create it with Compose")
	case seen.Status != evidence.Created && seen.Status != evidence.Exited:
		return fmt.Errorf("it is %s", seen.Status)
	case seen.RestartPolicy != string(container.RestartPolicyDisabled):
		return fmt.Errorf("its restart policy is %q: the engine would run it again and again", seen.RestartPolicy)
	}
	return nil
}

// await waits until the run that began after lastStart is over. An engine that
// does not answer meanwhile is asked again.
func (h *Helper) await(ctx context.Context, lastStart time.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, helperLimit, fmt.Errorf("it has not ended within %s", helperLimit))
	defer cancel()
	for ctx.Err() == nil {
		seen, err := h.engine.inspect(ctx, h.name)
		if err == nil && seen.StartedAt.After(lastStart) && (seen.Status == evidence.Exited || seen.Status == evidence.Dead) {
			return ended(seen)
		}
		if err == nil && seen.Status == evidence.Absent {
			return errors.New("it has been removed")
		}
		_ = pause.For(ctx, helperPoll)
	}
	return context.Cause(ctx)
}

func ended(seen evidence.Container) error {
	if seen.ExitCode == 0 {
		return nil
	}
	return fmt.Errorf("it ended with exit code %d; its log says why (docker logs %s)", seen.ExitCode, seen.Name)
}
