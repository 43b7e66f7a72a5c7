//go:build e2e

package parts

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Container is a container of the engine, known by its name, so that it stays
// the same thing when it is made anew. Its methods may be called from the
// test's own goroutine only: they end the test when the engine refuses.
type Container struct{ Name string }

// inspect reads one value of the container, as a Go template says.
func (c Container) inspect(t testing.TB, template string) string {
	t.Helper()
	return mustDocker(t, "container", "inspect", "--format", template, c.Name)
}

// ContainerID is the engine's ID; it changes when the container is made anew.
func (c Container) ContainerID(t testing.TB) string { return c.inspect(t, "{{.Id}}") }

// Status is the engine's word: running, exited, paused, …
func (c Container) Status(t testing.TB) string { return c.inspect(t, "{{.State.Status}}") }

// Health is what the container's own health check says: starting, healthy,
// unhealthy, or empty without a check.
func (c Container) Health(t testing.TB) string {
	return c.inspect(t, "{{if .State.Health}}{{.State.Health.Status}}{{end}}")
}

// RestartCount is how often the engine's restart policy has acted.
func (c Container) RestartCount(t testing.TB) int {
	t.Helper()
	count, err := strconv.Atoi(c.inspect(t, "{{.RestartCount}}"))
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// StartedAt is when its present run began. It does not change unless the
// container is started again.
func (c Container) StartedAt(t testing.TB) time.Time {
	t.Helper()
	started, err := time.Parse(time.RFC3339Nano, c.inspect(t, "{{.State.StartedAt}}"))
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// Address is the container's first IP address.
func (c Container) Address(t testing.TB) string {
	t.Helper()
	addresses := strings.Fields(c.inspect(t, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"))
	if len(addresses) == 0 {
		t.Fatalf("container %q has no address", c.Name)
	}
	return addresses[0]
}

// Join puts the container into a further network, where others find it by the alias.
func (c Container) Join(t testing.TB, network, alias string) {
	t.Helper()
	mustDocker(t, "network", "connect", "--alias", alias, network, c.Name)
	t.Cleanup(func() { remove(t, "network", "disconnect", "--force", network, c.Name) })
}

// PublishedAt is where the machine reaches a port ("8080/tcp") of the
// container: "127.0.0.1:49153".
func (c Container) PublishedAt(t testing.TB, port string) string {
	t.Helper()
	first, _, _ := strings.Cut(mustDocker(t, "port", c.Name, port), "\n")
	return strings.Replace(first, "0.0.0.0:", "127.0.0.1:", 1)
}

// Logs is everything that the container has written, to stdout and to stderr,
// in the order of the engine's log.
func (c Container) Logs(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), callTimeout)
	defer cancel()
	output, err := exec.CommandContext(ctx, "docker", "logs", c.Name).CombinedOutput()
	if err != nil {
		t.Fatalf("cannot read the log of %q: %v", c.Name, err)
	}
	return string(output)
}

// Exec runs a program in the container and returns what it printed.
func (c Container) Exec(t testing.TB, args ...string) string {
	t.Helper()
	return mustDocker(t, append([]string{"exec", c.Name}, args...)...)
}

// Start starts it, as an operator would.
func (c Container) Start(t testing.TB) { t.Helper(); mustDocker(t, "start", c.Name) }

// Stop stops it, as an operator would.
func (c Container) Stop(t testing.TB) { t.Helper(); mustDocker(t, "stop", "-t", "10", c.Name) }

// Restart restarts it, as an operator would.
func (c Container) Restart(t testing.TB) { t.Helper(); mustDocker(t, "restart", "-t", "10", c.Name) }

// Kill is the engine's kill. The engine counts it as a person's stop, so that
// no restart policy acts; for a crash kill its Server from outside.
func (c Container) Kill(t testing.TB) { t.Helper(); mustDocker(t, "kill", c.Name) }

// Pause freezes all its processes through the engine.
func (c Container) Pause(t testing.TB) { t.Helper(); mustDocker(t, "pause", c.Name) }

// Unpause ends a Pause.
func (c Container) Unpause(t testing.TB) { t.Helper(); mustDocker(t, "unpause", c.Name) }

// Rename gives the container another name, and returns it under that.
func (c Container) Rename(t testing.TB, name string) Container {
	t.Helper()
	mustDocker(t, "rename", c.Name, name)
	return Container{Name: name}
}

// StartIdle starts a container of that name that does nothing. It is removed when the
// test ends.
func StartIdle(t testing.TB, name string) Container {
	t.Helper()
	ensure(t, BaseImage)
	c := Container{Name: name}
	t.Cleanup(func() { c.Remove(t) })
	mustDocker(t, "run", "-d", "--name", name, "--label", label+"="+ID, "--restart", "unless-stopped", BaseImage, "sleep", "infinity")
	return c
}

// LimitCPUs changes how much of the machine it may use while it runs: "0.03"
// is 3 % of one core. A limit cannot be taken away, only made wide.
func (c Container) LimitCPUs(t testing.TB, cpus string) {
	t.Helper()
	mustDocker(t, "update", "--cpus", cpus, c.Name)
}

// Remove removes it, running or not.
func (c Container) Remove(t testing.TB) { t.Helper(); remove(t, "rm", "-f", "-v", c.Name) }
