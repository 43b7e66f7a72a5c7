//go:build e2e

package compose

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/e2e/parts"
)

func TestTheGPUResetIsCreatedAndStartsWithNobody(t *testing.T) {
	for version, compose := range composes(t) {
		t.Run(version, func(t *testing.T) {
			project := parts.NewProject(t, compose, []string{base, gpu}, map[string]string{"CLAWGATE_GPU_RESET": "true"})
			helper := parts.Container{Name: project.Ollama.Name + "-gpu-reset"}
			project.Create(t)
			if exists(t, helper) {
				t.Error("it is made without its profile")
			}
			t.Cleanup(func() { project.Run(t, "--profile", "gpu-reset", "rm", "--force", "gpu-reset") })
			project.Run(t, "--profile", "gpu-reset", "up", "--no-start", "gpu-reset")
			checkGPUReset(t, inspect(t, helper))
			if env := inspect(t, project.Service("docker-guard")).Config.Env; !slices.Contains(env, "GUARD_GPU_RESET=true") {
				t.Errorf("the guard's environment is %q", env)
			}
		})
	}
}

// checkGPUReset checks that the helper does one thing, that it does it once, and
// that what it may do is out of anybody's reach.
func checkGPUReset(t *testing.T, c container) {
	t.Helper()
	if c.State.Status != "created" || c.HostConfig.RestartPolicy.Name != "no" {
		t.Errorf("it is %s, with the restart policy %q", c.State.Status, c.HostConfig.RestartPolicy.Name)
	}
	if command := strings.Join(append(c.Config.Entrypoint, c.Config.Cmd...), " "); command != "nvidia-smi --gpu-reset -i 0" {
		t.Errorf("it runs %q", command)
	}
	if c.HostConfig.NetworkMode != "none" || len(c.HostConfig.Binds) != 0 || !c.HostConfig.ReadonlyRootfs {
		t.Errorf("network %q, mounts %q, read-only root %t", c.HostConfig.NetworkMode, c.HostConfig.Binds, c.HostConfig.ReadonlyRootfs)
	}
	if devices := c.HostConfig.DeviceRequests; len(devices) != 1 || strings.Join(devices[0].Capabilities[0], " ") != "gpu utility" {
		t.Errorf("it requests devices %+v", devices)
	}
}

func exists(t *testing.T, c parts.Container) bool {
	t.Helper()
	return exec.CommandContext(t.Context(), "docker", "container", "inspect", c.Name).Run() == nil
}
