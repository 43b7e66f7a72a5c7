package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

const (
	// helperLimit is how long a helper may run.
	helperLimit = 2 * time.Minute
	helperPoll  = 250 * time.Millisecond
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

// Run starts the helper and waits until it has ended with exit code 0; any other
// end is an error. It refuses a helper that runs already, and one that the engine
// would start again. When ctx ends, or the helper takes longer than two minutes,
// Run returns and the helper goes on.
func (h *Helper) Run(ctx context.Context) error {
	if err := h.run(ctx); err != nil {
		return fmt.Errorf("cannot run helper container %q: %w", h.name, err)
	}
	return nil
}

func (h *Helper) run(ctx context.Context) error {
	before, err := h.engine.inspect(ctx, h.name)
	if err != nil {
		return err
	}
	if err := refuseHelper(before); err != nil {
		return err
	}
	err = h.engine.call(ctx, startLimit, func(ctx context.Context, cli *client.Client) error {
		return startRefused(cli.ContainerStart(ctx, h.name, container.StartOptions{}))
	})
	if err != nil {
		return err
	}
	return h.await(ctx, before.StartedAt)
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
		sleep(ctx, helperPoll)
	}
	return context.Cause(ctx)
}

func ended(seen evidence.Container) error {
	if seen.ExitCode == 0 {
		return nil
	}
	return fmt.Errorf("it ended with exit code %d; its log says why (docker logs %s)", seen.ExitCode, seen.Name)
}
