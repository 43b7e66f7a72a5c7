package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
)

// Processes lists the container's processes with their full command lines, as
// the host numbers them (the engine filters the host's `ps -ef`). It returns
// ErrNotRunning for a container that does not run. Each call puts a "top" event
// into the engine's short memory of events, so it is no call to make in a loop.
func (c *Container) Processes(ctx context.Context) ([]evidence.Process, error) {
	var table container.TopResponse
	err := c.engine.call(ctx, readLimit, func(ctx context.Context, cli *client.Client) (err error) {
		table, err = cli.ContainerTop(ctx, c.name, nil)
		return err
	})
	if cerrdefs.IsConflict(err) { // 409: "is not running", "is restarting"
		err = fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the processes of container %q: %w", c.name, err)
	}
	processes, err := listed(table)
	if err != nil {
		return nil, fmt.Errorf("cannot understand the engine's process list of container %q: %w", c.name, err)
	}
	return processes, nil
}

// listed reads the columns by their titles, which differ between hosts' ps.
func listed(table container.TopResponse) ([]evidence.Process, error) {
	pid := slices.Index(table.Titles, "PID")
	command := slices.IndexFunc(table.Titles, func(title string) bool { return title == "CMD" || title == "COMMAND" })
	if pid < 0 || command < 0 {
		return nil, fmt.Errorf("no PID or CMD among the columns %q", table.Titles)
	}
	processes := make([]evidence.Process, 0, len(table.Processes))
	for _, row := range table.Processes {
		if len(row) <= max(pid, command) {
			return nil, errors.New("a row is shorter than the titles")
		}
		number, err := strconv.Atoi(row[pid])
		if err != nil {
			return nil, fmt.Errorf("PID %q is not a number", row[pid])
		}
		processes = append(processes, evidence.Process{PID: number, Command: row[command]})
	}
	return processes, nil
}
