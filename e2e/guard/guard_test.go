//go:build e2e

// Package guard tests the HAProxy configuration that stands between the sidecar
// and a real Docker engine: every call of dockerctl passes, and nothing else does.
package guard

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/dockerctl"
	"github.com/clawdbot/clawgate/dockerctl/dockerctltest"
	"github.com/clawdbot/clawgate/evidence"
)

const configuration = "../../compose/docker-guard/haproxy.cfg"

// guard is an HAProxy with the very configuration that Compose mounts.
type guard struct {
	socket  string
	health  string
	command *exec.Cmd
}

func (g guard) host() string { return "unix://" + g.socket }

// start runs a guard for the container called name in front of the engine that
// listens on the socket, until the test ends. env is what Compose may set besides.
func start(t *testing.T, name, engine string, env ...string) guard {
	t.Helper()
	folder, err := os.MkdirTemp("", "guard") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	g := guard{socket: filepath.Join(folder, "docker.sock"), health: freeAddress(t)}
	g.command = haproxy(t, append(env, "CLAWGATE_CONTAINER="+name, "GUARD_BIND=unix@"+g.socket, "GUARD_ENGINE=unix@"+engine, "GUARD_HEALTH="+g.health)...)
	g.command.Stdout, g.command.Stderr = t.Output(), t.Output()
	if err := g.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.stop)
	g.awaitUp(t)
	return g
}

// haproxy returns the command that runs the configuration as the official image
// does, without its master process.
func haproxy(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Fatal("haproxy is not installed; on Debian: apt-get install haproxy")
	}
	command := exec.Command(program, "-db", "-f", configuration)
	command.Env = append(os.Environ(), env...)
	return command
}

func (g guard) stop() {
	_ = g.command.Process.Signal(syscall.SIGTERM)
	_ = g.command.Wait()
}

// awaitUp waits until HAProxy listens: its socket appears by a rename, complete.
func (g guard) awaitUp(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("unix", g.socket); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("haproxy does not listen after 20 s")
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestEveryCallOfTheSidecarPasses(t *testing.T) {
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Exercise(t, g.host(), name)
}

func TestTheLongestStopTimeoutAndLogPass(t *testing.T) {
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Run(t, name)
	container := dockerctltest.New(t, g.host(), name)
	dockerctltest.AwaitUp(t, container) // before that it would not heed a SIGTERM
	if _, err := container.LogTail(t.Context(), dockerctl.MaxLogLines); err != nil {
		t.Error(err)
	}
	if err := container.Stop(t.Context(), dockerctltest.Inspect(t, container).Identity, dockerctl.MaxStopTimeout); err != nil {
		t.Error(err)
	}
}

// HAProxy's 30 s for an answer do not hold for a stop, which is silent for as
// long as the container takes to end.
func TestAStopMayTakeLongerThanOtherCalls(t *testing.T) {
	t.Parallel()
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Run(t, name, "-ignore-term")
	container := dockerctltest.New(t, g.host(), name)
	dockerctltest.AwaitUp(t, container)
	if err := container.Stop(t.Context(), dockerctltest.Inspect(t, container).Identity, 35*time.Second); err != nil {
		t.Error(err)
	}
	if seen := dockerctltest.Inspect(t, container); seen.Status != evidence.Exited {
		t.Errorf("the container is %q", seen.Status)
	}
}

// Nor for events: a quiet stream is still the same one after a minute, and tells
// at once what then happens.
func TestAQuietStreamOfEventsIsNotCut(t *testing.T) {
	t.Parallel()
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Run(t, name)
	heard := dockerctltest.Follow(t, dockerctltest.New(t, g.host(), name))
	heard.Await(t, evidence.Resync)
	select {
	case event := <-heard:
		t.Fatalf("%q while nothing happened", event.Action)
	case <-time.After(70 * time.Second): // twice the longest of the short limits
	}
	dockerctltest.Docker(t, "pause", name)
	if event := heard.Await(t, evidence.ActionPause); time.Since(event.At) > 5*time.Second {
		t.Errorf("told %s late", time.Since(event.At))
	}
	dockerctltest.Docker(t, "unpause", name)
}

func TestAnEngineThatIsAwayIsToldAsSuch(t *testing.T) {
	g := start(t, dockerctltest.Name(), filepath.Join(t.TempDir(), "none.sock"))
	container := dockerctltest.New(t, g.host(), "clawgate-test-any")
	began := time.Now()
	if _, err := container.Inspect(t.Context()); !errors.Is(err, dockerctl.ErrEngineAway) {
		t.Errorf("got %v, want ErrEngineAway", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestAGuardThatGoesAndComesBackIsFollowed(t *testing.T) {
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Run(t, name)
	container := dockerctltest.New(t, g.host(), name)
	heard := dockerctltest.Follow(t, container)
	heard.Await(t, evidence.Resync)
	g.stop()
	heard.Await(t, evidence.EngineLost)
	if _, err := container.Inspect(t.Context()); !errors.Is(err, dockerctl.ErrEngineAway) {
		t.Errorf("got %v, want ErrEngineAway", err)
	}
	dockerctltest.Docker(t, "kill", name) // while nobody could tell us
	again := haproxy(t, "CLAWGATE_CONTAINER="+name, "GUARD_BIND=unix@"+g.socket, "GUARD_HEALTH="+g.health)
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard{command: again}.stop)
	heard.Await(t, evidence.Resync)
	if event := heard.Await(t, evidence.ActionKill); event.Signal != "9" {
		t.Errorf("killed with signal %q", event.Signal)
	}
}

func TestTheGuardDoesNotStartWithoutItsVariables(t *testing.T) {
	for _, env := range [][]string{
		{"GUARD_BIND=unix@/nowhere/docker.sock"},
		{"CLAWGATE_CONTAINER=clawgate-ollama"},
	} {
		command := haproxy(t, env...)
		command.Args = append(command.Args, "-c")
		if out, err := command.CombinedOutput(); err == nil {
			t.Errorf("with %q alone it starts: %s", env, out)
		}
	}
}
