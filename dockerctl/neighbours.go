package dockerctl

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
)

// Neighbours lists every container of the engine by name, image and status: for a
// person who looks for the right name. The guard does not pass the call; nothing but
// `clawgate check` makes it.
func (c *Container) Neighbours(ctx context.Context) ([]evidence.Container, error) {
	var answer []container.Summary
	err := c.engine.call(ctx, readLimit, func(ctx context.Context, cli *client.Client) (err error) {
		answer, err = cli.ContainerList(ctx, container.ListOptions{All: true})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the engine's containers: %w", err)
	}
	var found []evidence.Container
	for _, summary := range answer {
		for _, name := range summary.Names {
			if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") { // else it is a link's
				found = append(found, evidence.Container{Name: name, Image: summary.Image, Status: evidence.Status(summary.State)})
			}
		}
	}
	return found, nil
}
