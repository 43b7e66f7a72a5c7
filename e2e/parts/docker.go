//go:build e2e

package parts

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// label marks everything that tests make in the engine; its value is ID.
const label = "clawgate-test"

// callTimeout bounds one call to the engine. The longest are a stop with its
// grace period and the removal of a container that uses much memory.
const callTimeout = 2 * time.Minute

// ID tells this test process's containers, networks and volumes from
// everybody else's.
var ID = strings.ToLower(rand.Text()[:8])

// docker runs the engine's command line and returns what it printed.
func docker(ctx context.Context, args ...string) (string, error) {
	return command(ctx, nil, "docker", args...)
}

// command runs a program with a deadline. Its error carries the end of what
// the program said.
func command(ctx context.Context, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = stdin
	return run(cmd)
}

func run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stdout.String() + stderr.String())
		return stdout.String(), fmt.Errorf("cannot run %q: %w: %s", strings.Join(cmd.Args, " "), err, said[max(0, len(said)-2000):])
	}
	return strings.TrimSpace(stdout.String()), nil
}

// mustDocker is docker for tests: a failing call ends the test. It works in
// clean-ups too, where the test's own context has already ended.
func mustDocker(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), callTimeout)
	defer cancel()
	out, err := docker(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// remove takes something of the test's own away and reports what it could not
// remove; what is gone already is no fault.
func remove(t testing.TB, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), callTimeout)
	defer cancel()
	_, err := docker(ctx, args...)
	if err != nil && !strings.Contains(err.Error(), "No such") && !strings.Contains(err.Error(), "not found") {
		t.Errorf("left behind: %v", err)
	}
}

// Await polls until the condition holds, and fails the test after the given
// time. It is for what only the outside world can bring about; what says that
// it is done (a stream, an event) is waited for there.
func Await(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), within, errors.New("timed out"))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s for %s: %v", within, what, context.Cause(ctx))
		}
	}
}
