//go:build e2e

package dockerctl_test

import (
	"errors"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/dockerctl"
	"github.com/clawdbot/clawgate/dockerctl/dockerctltest"
	"github.com/clawdbot/clawgate/evidence"
)

func engineHost(t *testing.T) string { return "unix://" + dockerctltest.Socket(t) }

func TestEveryCallOnARealEngine(t *testing.T) {
	dockerctltest.Exercise(t, engineHost(t), dockerctltest.Name())
}

func TestAStopEndsWithSIGKILL(t *testing.T) {
	name := dockerctltest.Name()
	dockerctltest.Run(t, name, "-ignore-term")
	container := dockerctltest.New(t, engineHost(t), name)
	dockerctltest.AwaitUp(t, container)
	began := time.Now()
	if err := container.Stop(t.Context(), dockerctltest.Inspect(t, container).Identity, time.Second); err != nil {
		t.Fatal(err)
	}
	if seen, took := dockerctltest.Inspect(t, container), time.Since(began); seen.ExitCode != 137 || took < time.Second {
		t.Errorf("exit code %d after %s", seen.ExitCode, took)
	}
}

func TestAPausedContainerStaysPaused(t *testing.T) {
	name := dockerctltest.Name()
	dockerctltest.Run(t, name)
	container := dockerctltest.New(t, engineHost(t), name)
	run := dockerctltest.Inspect(t, container).Identity
	dockerctltest.Docker(t, "pause", name)
	for verb, err := range map[string]error{
		"stop":    container.Stop(t.Context(), run, time.Second),
		"start":   container.Start(t.Context(), run),
		"restart": container.Restart(t.Context(), run, time.Second),
	} {
		if !errors.Is(err, evidence.ErrPaused) {
			t.Errorf("%s: got %v, want ErrPaused", verb, err)
		}
	}
	if seen := dockerctltest.Inspect(t, container); seen.Status != evidence.Paused || seen.Identity != run {
		t.Errorf("the container is now %+v", seen)
	}
}

func TestAContainerMadeAnewIsFollowedAndNotTouched(t *testing.T) {
	name := dockerctltest.Name()
	dockerctltest.Run(t, name)
	container := dockerctltest.New(t, engineHost(t), name)
	old := dockerctltest.Inspect(t, container).Identity
	dockerctltest.Remove(t, name)
	if err := container.Restart(t.Context(), old, time.Second); !errors.Is(err, evidence.ErrChanged) {
		t.Errorf("removed: got %v, want ErrChanged", err)
	}
	dockerctltest.Run(t, name)
	made := dockerctltest.Inspect(t, container)
	if err := container.Restart(t.Context(), old, time.Second); !errors.Is(err, evidence.ErrChanged) {
		t.Errorf("made anew: got %v, want ErrChanged", err)
	}
	if seen := dockerctltest.Inspect(t, container); seen.Identity != made.Identity || seen.Status != evidence.Running || seen.ID == old.ID {
		t.Errorf("it was touched: %+v", seen)
	}
}

func TestAStoppedContainerDoesNothing(t *testing.T) {
	name := dockerctltest.Name()
	dockerctltest.Run(t, name)
	dockerctltest.Docker(t, "stop", name)
	container := dockerctltest.New(t, engineHost(t), name)
	if _, err := container.Activity(t.Context()); !errors.Is(err, dockerctl.ErrNotRunning) {
		t.Errorf("activity: got %v, want ErrNotRunning", err)
	}
	if _, err := container.Processes(t.Context()); !errors.Is(err, dockerctl.ErrNotRunning) {
		t.Errorf("processes: got %v, want ErrNotRunning", err)
	}
	run := dockerctltest.Inspect(t, container).Identity
	if err := container.Restart(t.Context(), run, time.Second); !errors.Is(err, evidence.ErrChanged) {
		t.Errorf("restart of what an operator stopped: got %v, want ErrChanged", err)
	}
}

func TestEventsTellWhoStoppedIt(t *testing.T) {
	name := dockerctltest.Name()
	began := time.Now()
	dockerctltest.Run(t, name, "-ignore-term")
	dockerctltest.Docker(t, "kill", "--signal", "KILL", name)
	// What happened before the first call is told as well.
	heard := dockerctltest.Follow(t, dockerctltest.New(t, engineHost(t), name, dockerctl.EventsSince(began)))
	heard.Await(t, evidence.Resync)
	if event := heard.Await(t, evidence.ActionKill); event.Signal != "9" {
		t.Errorf("killed with signal %q", event.Signal)
	}
	if event := heard.Await(t, evidence.ActionDie); event.ExitCode != 137 {
		t.Errorf("died with exit code %d", event.ExitCode)
	}
	dockerctltest.Docker(t, "start", name)
	heard.Await(t, evidence.ActionStart)
	dockerctltest.Docker(t, "pause", name)
	heard.Await(t, evidence.ActionPause)
	dockerctltest.Docker(t, "unpause", name)
	heard.Await(t, evidence.ActionResume)
	dockerctltest.Remove(t, name)
	heard.Await(t, evidence.ActionRemove)
}
