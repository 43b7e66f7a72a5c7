//go:build e2e

// Package dockerctltest makes containers on a real Docker engine for tests, and
// holds the exercise that every way to an engine has to pass: the socket itself,
// and the guard in front of it.
//
// It needs the docker command and the engine that it talks to by default. It
// needs no registry: the image is a static program, built here and imported.
package dockerctltest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Socket is where the engine listens that the docker command uses.
func Socket(t testing.TB) string {
	t.Helper()
	host := Docker(t, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
	path, unix := strings.CutPrefix(host, "unix://")
	if !unix {
		t.Fatalf("the tests need an engine on a unix socket, the docker command uses %q", host)
	}
	return path
}

// Docker runs the docker command and returns what it printed.
func Docker(t testing.TB, args ...string) string {
	t.Helper()
	command := exec.Command("docker", args...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s (these tests need a running Docker engine and the docker command)", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Name returns a container name that nobody else uses.
func Name() string { return "clawgate-test-" + strings.ToLower(rand.Text()[:10]) }

// Run starts a container called name that runs the sleeper with args, and removes
// it at the end of the test.
func Run(t testing.TB, name string, args ...string) {
	t.Helper()
	Create(t, name, args...)
	Docker(t, "start", name)
}

// Create is Run without the start.
func Create(t testing.TB, name string, args ...string) {
	t.Helper()
	image := Image(t)
	t.Cleanup(func() { Remove(t, name) })
	Docker(t, append([]string{"create", "--name", name, "--label", "clawgate-test=dockerctl", image, "/sleeper"}, args...)...)
}

// Remove removes the container called name, whatever its state.
func Remove(t testing.TB, name string) {
	t.Helper()
	out, err := exec.Command("docker", "rm", "--force", name).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "No such container") {
		t.Errorf("docker rm: %v: %s", err, out)
	}
}

// Image returns an image with the sleeper in it. It is built when no image has
// exactly this program, and is left for the next run.
func Image(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "sleeper")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "github.com/clawdbot/clawgate/dockerctl/dockerctltest/sleeper")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the sleeper: %v: %s", err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	image := "clawgate-test-sleeper:" + hex.EncodeToString(sum[:6])
	if exec.Command("docker", "image", "inspect", image).Run() == nil {
		return image
	}
	archive := filepath.Join(folder, "image.tar")
	if out, err := exec.Command("tar", "-C", folder, "-cf", archive, "sleeper").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	Docker(t, "import", archive, image)
	return image
}
