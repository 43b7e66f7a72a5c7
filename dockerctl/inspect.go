package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// readLimit bounds a call that looks at the container. The engine answers
// within milliseconds, or within 2 s where one-shot statistics are unknown to it
// (API before 1.41).
const readLimit = 5 * time.Second

// Inspect says what the engine knows of the container now. That no container has
// the name is an answer, Status evidence.Absent, and not an error.
func (c *Container) Inspect(ctx context.Context) (evidence.Container, error) {
	return c.engine.inspect(ctx, c.name)
}

func (e *engine) inspect(ctx context.Context, name string) (evidence.Container, error) {
	var answer container.InspectResponse
	err := e.call(ctx, readLimit, func(ctx context.Context, cli *client.Client) (err error) {
		answer, err = cli.ContainerInspect(ctx, name)
		return err
	})
	if noSuchContainer(err) {
		return evidence.Container{SeenAt: time.Now(), Name: name, Status: evidence.Absent}, nil
	}
	if err != nil {
		return evidence.Container{}, fmt.Errorf("cannot inspect container %q: %w", name, err)
	}
	seen, err := inspected(answer, name)
	if err != nil {
		return evidence.Container{}, fmt.Errorf("cannot understand the engine's inspection of container %q: %w", name, err)
	}
	seen.SeenAt = time.Now()
	return seen, nil
}

// inspected translates the engine's answer about the container called name.
func inspected(answer container.InspectResponse, name string) (evidence.Container, error) {
	if answer.ContainerJSONBase == nil || answer.ID == "" || answer.State == nil {
		return evidence.Container{}, errors.New("it lacks an ID or a state")
	}
	if got := strings.TrimPrefix(answer.Name, "/"); got != name {
		return evidence.Container{}, fmt.Errorf("it is about container %q", got)
	}
	state := answer.State
	startedAt, errStarted := engineTime(state.StartedAt)
	finishedAt, errFinished := engineTime(state.FinishedAt)
	if err := errors.Join(errStarted, errFinished); err != nil {
		return evidence.Container{}, err
	}
	seen := evidence.Container{
		Identity:   evidence.Identity{ID: answer.ID, StartedAt: startedAt},
		Name:       name,
		Status:     evidence.Status(state.Status),
		FinishedAt: finishedAt,
		ExitCode:   state.ExitCode,
		OOMKilled:  state.OOMKilled,
		StartError: state.Error,

		RestartPolicy: string(container.RestartPolicyDisabled),
		RestartCount:  answer.RestartCount,
		Address:       address(answer.NetworkSettings),
	}
	var env map[string]string
	if answer.Config != nil {
		seen.Image, env = answer.Config.Image, environment(answer.Config.Env)
		seen.Env = ollama.SettingsOf(env)
	}
	if host := answer.HostConfig; host != nil {
		seen.GPURequested = gpuRequested(host, env)
		if policy := host.RestartPolicy.Name; policy != "" { // empty means "no"
			seen.RestartPolicy = string(policy)
		}
	}
	return seen, nil
}

// engineTime reads a time of the engine. For "never" it writes the year 1, which
// is Go's zero time.
func engineTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

func environment(entries []string) map[string]string {
	env := make(map[string]string, len(entries))
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

// address is the first IP address of the container, by its networks' names so
// that it does not change from one look to the next.
func address(settings *container.NetworkSettings) string {
	if settings == nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(settings.Networks)) {
		if endpoint := settings.Networks[name]; endpoint != nil && endpoint.IPAddress != "" {
			return endpoint.IPAddress
		}
	}
	return ""
}

// gpuRequested knows the three ways to ask for an NVIDIA GPU: a device request
// (--gpus, Compose's reservation), a CDI device, and the older runtime with
// NVIDIA_VISIBLE_DEVICES, of which "void" and "none" mean no GPU.
func gpuRequested(host *container.HostConfig, env map[string]string) bool {
	for _, request := range host.DeviceRequests {
		capable := slices.ContainsFunc(request.Capabilities, func(all []string) bool { return slices.Contains(all, "gpu") })
		cdi := slices.ContainsFunc(request.DeviceIDs, func(id string) bool { return strings.HasPrefix(id, "nvidia.com/gpu=") })
		if capable || cdi || request.Driver == "nvidia" {
			return true
		}
	}
	if host.Runtime != "nvidia" {
		return false
	}
	visible := env["NVIDIA_VISIBLE_DEVICES"]
	return visible != "" && visible != "void" && visible != "none"
}
