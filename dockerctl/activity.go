package dockerctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
)

// statsBytes bounds the engine's answer: a host with 256 cores and 100 disks
// stays below 64 KiB.
const statsBytes = 1 << 20

// Activity reads the container's resource counters, without the second that the
// engine waits by default to compute rates. It returns ErrNotRunning for a
// container that does not run: the engine reports zeros for one, which would
// look like counters that began anew.
func (c *Container) Activity(ctx context.Context) (evidence.Activity, error) {
	var stats container.StatsResponse
	err := c.engine.call(ctx, readLimit, func(ctx context.Context, cli *client.Client) error {
		answer, err := cli.ContainerStatsOneShot(ctx, c.name)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		return json.NewDecoder(io.LimitReader(answer.Body, statsBytes)).Decode(&stats)
	})
	if err == nil && stats.Read.IsZero() {
		err = ErrNotRunning
	}
	if err != nil {
		return evidence.Activity{}, fmt.Errorf("cannot read the activity of container %q: %w", c.name, err)
	}
	activity := counted(stats)
	activity.SeenAt = time.Now()
	return activity, nil
}

// counted adds up the counters. The block I/O list has one entry for each device
// and operation, "Read" and "Write" under cgroup v1, "read" and "write" under v2;
// v1 repeats the bytes as "Sync", "Async" and "Total".
func counted(stats container.StatsResponse) evidence.Activity {
	activity := evidence.Activity{CPU: time.Duration(stats.CPUStats.CPUUsage.TotalUsage)}
	for _, network := range stats.Networks {
		activity.NetRx += network.RxBytes
		activity.NetTx += network.TxBytes
	}
	for _, entry := range stats.BlkioStats.IoServiceBytesRecursive {
		switch {
		case strings.EqualFold(entry.Op, "read"):
			activity.BlockRead += entry.Value
		case strings.EqualFold(entry.Op, "write"):
			activity.BlockWrite += entry.Value
		}
	}
	return activity
}
