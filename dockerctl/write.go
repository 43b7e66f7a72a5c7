package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// MaxStopTimeout is the longest stop timeout that can be asked for, and that
	// the guard lets through.
	MaxStopTimeout = 999 * time.Second

	// startLimit bounds a start: prestart hooks that set up a GPU take seconds.
	startLimit = 60 * time.Second
)

// Stop ends the run that was judged: SIGTERM, or the stop signal of its image,
// then SIGKILL when it still runs after timeout, which is 0 to MaxStopTimeout and
// is rounded up to whole seconds. It returns evidence.ErrChanged for a container
// that does not run: somebody has stopped it since it was judged, and who starts
// it after that undoes it. The engine counts it as stopped by a person: no restart
// policy brings it back, only Start does.
//
// Stop, Start and Restart return evidence.ErrChanged or evidence.ErrPaused, and do
// nothing, when the container is no longer the run that was judged. What happens
// in the milliseconds between that look and the write cannot be seen: the engine
// has no conditional writes. Once the write has been sent it is waited for, even
// when ctx ends, because the engine carries it out anyway; one that has not been sent
// is an evidence.ErrNotSent, too. Stop and Restart return evidence.ErrWontDie when the
// process is there after SIGKILL.
func (c *Container) Stop(ctx context.Context, judged evidence.Identity, timeout time.Duration) error {
	seconds, err := stopSeconds(timeout)
	if err != nil {
		return fmt.Errorf("cannot stop container %q: %w", c.name, err)
	}
	return c.write(ctx, write{
		verb: "stop", judged: judged, limit: timeout + evidence.StopGrace, refuse: refuseNotRunning,
		send: func(ctx context.Context, cli *client.Client) error {
			return cli.ContainerStop(ctx, c.name, container.StopOptions{Timeout: &seconds})
		},
	})
}

// Start runs the container again after the run that was judged has ended. A
// container that already runs is no error. It returns evidence.ErrStartFailed when
// the engine tried and could not. See Stop for what all writes share.
func (c *Container) Start(ctx context.Context, judged evidence.Identity) error {
	return c.write(ctx, write{
		verb: "start", judged: judged, limit: startLimit, refuse: refusePaused,
		send: func(ctx context.Context, cli *client.Client) error {
			return startRefused(cli.ContainerStart(ctx, c.name, container.StartOptions{}))
		},
	})
}

// startRefused adds evidence.ErrStartFailed to what the engine itself answered.
func startRefused(err error) error {
	if err == nil || away(err) || errors.Is(err, ErrEngineAway) || noSuchContainer(err) {
		return err
	}
	return fmt.Errorf("%w: %w", evidence.ErrStartFailed, err)
}

// Restart is Stop and Start in one call to the engine, which finishes it even if
// this process dies meanwhile. See Stop for what all writes share.
func (c *Container) Restart(ctx context.Context, judged evidence.Identity, timeout time.Duration) error {
	seconds, err := stopSeconds(timeout)
	if err != nil {
		return fmt.Errorf("cannot restart container %q: %w", c.name, err)
	}
	return c.write(ctx, write{
		verb: "restart", judged: judged, limit: timeout + evidence.StopGrace + startLimit, refuse: refuseNotRunning,
		send: func(ctx context.Context, cli *client.Client) error {
			return cli.ContainerRestart(ctx, c.name, container.StopOptions{Timeout: &seconds})
		},
	})
}

// write is one change that is to be made to the run that was judged.
type write struct {
	verb   string
	judged evidence.Identity
	limit  time.Duration // longer than the engine's own
	refuse func(evidence.Container) error
	send   func(context.Context, *client.Client) error
}

// write compares the container with what was judged and makes the change, with
// no other change of ours between the two.
func (c *Container) write(ctx context.Context, w write) error {
	if err := c.attempt(ctx, w); err != nil {
		return fmt.Errorf("cannot %s container %q: %w", w.verb, c.name, err)
	}
	return nil
}

func (c *Container) attempt(ctx context.Context, w write) error {
	if err := c.writes.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("%w: another write is under way: %w", evidence.ErrNotSent, err)
	}
	defer c.writes.Release(1)
	if err := c.mayWrite(ctx, w); err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrNotSent, err)
	}
	return c.engine.call(context.WithoutCancel(ctx), w.limit, w.send)
}

// mayWrite looks whether the container is still what was judged.
func (c *Container) mayWrite(ctx context.Context, w write) error {
	seen, err := c.Inspect(ctx)
	if err != nil {
		return err
	}
	if err := unchanged(seen, w.judged); err != nil {
		return err
	}
	if err := w.refuse(seen); err != nil {
		return err
	}
	return ctx.Err()
}

func unchanged(seen evidence.Container, judged evidence.Identity) error {
	switch {
	case seen.Status == evidence.Absent:
		return fmt.Errorf("%w: it has been removed", evidence.ErrChanged)
	case seen.ID != judged.ID:
		return fmt.Errorf("%w: it has been created anew, as %.12s in place of %.12s", evidence.ErrChanged, seen.ID, judged.ID)
	case !seen.StartedAt.Equal(judged.StartedAt):
		return fmt.Errorf("%w: it was started again at %s", evidence.ErrChanged, seen.StartedAt.Format(time.RFC3339Nano))
	}
	return nil
}

func refusePaused(seen evidence.Container) error {
	if seen.Status == evidence.Paused {
		return fmt.Errorf("%w: unpause it first", evidence.ErrPaused)
	}
	return nil
}

func refuseNotRunning(seen evidence.Container) error {
	if err := refusePaused(seen); err != nil {
		return err
	}
	if seen.Status != evidence.Running && seen.Status != evidence.Restarting {
		return fmt.Errorf("%w: it is %s", evidence.ErrChanged, seen.Status)
	}
	return nil
}

// stopSeconds turns a stop timeout into the engine's whole seconds. A negative
// one would make the engine wait for ever.
func stopSeconds(timeout time.Duration) (int, error) {
	if timeout < 0 || timeout > MaxStopTimeout {
		return 0, fmt.Errorf("stop timeout %s is not within 0s to %s", timeout, MaxStopTimeout)
	}
	return int((timeout + time.Second - 1) / time.Second), nil
}
