//go:build e2e

package compose

import (
	"os"
	"os/exec"
	"path/filepath"
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
	command := slices.Concat(c.Config.Entrypoint, c.Config.Cmd)
	for gpus, want := range map[string]string{"GPU 0": "--gpu-reset -i 0\n", "GPU 0\nGPU 1": "", "GPU 0\n MIG 1": "", "": ""} {
		if got := reset(t, command, gpus); got != want {
			t.Errorf("on a host with %q it asks for %q, want %q", gpus, got, want)
		}
	}
	if c.HostConfig.NetworkMode != "none" || len(c.HostConfig.Binds) != 0 || !c.HostConfig.ReadonlyRootfs {
		t.Errorf("network %q, mounts %q, read-only root %t", c.HostConfig.NetworkMode, c.HostConfig.Binds, c.HostConfig.ReadonlyRootfs)
	}
	if devices := c.HostConfig.DeviceRequests; len(devices) != 1 || strings.Join(devices[0].Capabilities[0], " ") != "gpu utility" {
		t.Errorf("it requests devices %+v", devices)
	}
}

// reset runs the helper's command on a host with the given GPUs, and returns what it
// asks of nvidia-smi beside their list.
func reset(t *testing.T, command []string, gpus string) string {
	t.Helper()
	folder := t.TempDir()
	stub := "#!/bin/sh\nif [ \"$1\" = -L ]; then printf '" + strings.ReplaceAll(gpus, "\n", "\\n") + "'; [ -z '" + gpus + "' ] || echo; else echo \"$@\" > " + folder + "/asked; fi\n"
	if err := os.WriteFile(filepath.Join(folder, "nvidia-smi"), []byte(stub), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), command[0], command[1:]...) //nolint:gosec // what the compose file says
	run.Env = []string{"PATH=" + folder + ":" + os.Getenv("PATH")}
	err := run.Run()
	asked, _ := os.ReadFile(filepath.Join(folder, "asked"))
	if (err == nil) != (len(asked) > 0) {
		t.Errorf("on a host with %q it ends with %v, and asked for %q", gpus, err, asked)
	}
	return string(asked)
}

func exists(t *testing.T, c parts.Container) bool {
	t.Helper()
	return exec.CommandContext(t.Context(), "docker", "container", "inspect", c.Name).Run() == nil
}
