//go:build e2e

package dockerctltest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/dockerctl"
	"github.com/clawdbot/clawgate/evidence"
)

// New returns the container called name on the engine at host.
func New(t testing.TB, host, name string, options ...dockerctl.Option) *dockerctl.Container {
	t.Helper()
	c, err := dockerctl.New(host, name, slog.New(slog.DiscardHandler), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Exercise makes every call of dockerctl.Container on a container called name
// through the engine at host, and checks what it did.
func Exercise(t *testing.T, host, name string) {
	t.Helper()
	container := New(t, host, name)
	heard := Follow(t, container)
	heard.Await(t, evidence.Resync)
	if seen := Inspect(t, container); seen.Status != evidence.Absent {
		t.Fatalf("before it was made the container is %q", seen.Status)
	}
	Run(t, name, "-spin")
	heard.Await(t, evidence.ActionStart)
	first := Inspect(t, container)
	if first.Status != evidence.Running || first.Name != name || !strings.HasPrefix(first.Image, "clawgate-test-sleeper:") {
		t.Errorf("inspected %+v", first)
	}
	look(t, container)

	check(t, container.Stop(t.Context(), first.Identity, 10*time.Second))
	heard.Await(t, evidence.ActionStop)
	if seen := Inspect(t, container); seen.Status != evidence.Exited || seen.Identity != first.Identity || seen.FinishedAt.Before(first.StartedAt) {
		t.Errorf("after stop: %+v", seen)
	}
	if err := container.Stop(t.Context(), first.Identity, 10*time.Second); !errors.Is(err, evidence.ErrChanged) {
		t.Errorf("the stop of a container that does not run ended with %v", err)
	}
	check(t, container.Start(t.Context(), first.Identity))
	heard.Await(t, evidence.ActionStart)
	second := Inspect(t, container)
	check(t, container.Start(t.Context(), second.Identity)) // 304
	check(t, container.Restart(t.Context(), second.Identity, 10*time.Second))
	heard.Await(t, evidence.ActionDie)
	heard.Await(t, evidence.ActionStart)
	third := Inspect(t, container)
	if third.Status != evidence.Running || !third.StartedAt.After(second.StartedAt) || !second.StartedAt.After(first.StartedAt) {
		t.Errorf("started at %s, %s and %s", first.StartedAt, second.StartedAt, third.StartedAt)
	}
}

// look makes the calls that only look at a running container.
func look(t *testing.T, container *dockerctl.Container) {
	t.Helper()
	lines := AwaitUp(t, container)
	slices.Sort(lines) // two streams
	if !slices.Equal(lines, []string{"sleeper is up", "sleeper writes errors too"}) {
		t.Errorf("log %q", lines)
	}
	processes, err := container.Processes(t.Context())
	check(t, err)
	if len(processes) != 1 || processes[0].Command != "/sleeper -spin" || processes[0].PID <= 1 {
		t.Errorf("processes %+v", processes)
	}
	before, err := container.Activity(t.Context())
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for after := before; after.CPU <= before.CPU; {
		if after, err = container.Activity(ctx); err != nil {
			t.Fatalf("the container spins, but its CPU time stays %s: %v", before.CPU, err)
		}
	}
}

// AwaitUp waits until the sleeper has written its two lines, and so heeds or
// ignores signals as it should, and returns them.
func AwaitUp(t testing.TB, container *dockerctl.Container) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		lines, err := container.LogTail(ctx, 50)
		check(t, err)
		if len(lines) >= 2 {
			return lines
		}
	}
}

// Inspect returns what the engine knows of the container.
func Inspect(t testing.TB, container *dockerctl.Container) evidence.Container {
	t.Helper()
	seen, err := container.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// Heard is what Events has posted and nobody has awaited yet.
type Heard chan evidence.ContainerEvent

// Follow follows the container's events until the test ends.
func Follow(t *testing.T, container *dockerctl.Container) Heard {
	t.Helper()
	heard := make(Heard, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- container.Events(ctx, func(event evidence.ContainerEvent) { heard <- event }) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
	})
	return heard
}

// Await returns the next event of the kind, and passes over others.
func (h Heard) Await(t testing.TB, action evidence.ContainerAction) evidence.ContainerEvent {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case event := <-h:
			if event.Action == action {
				return event
			}
		case <-timeout:
			t.Fatalf("no %q event within 30 s", action)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
