//go:build e2e

package parts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Root is the repository's root folder, found from the working folder upwards.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("cannot find the repository: no go.mod in this folder or above")
		}
		folder = parent
	}
}

// Releases of Ollama. The older one is the last that has its runner built in and
// builds from the module proxy; the archives of those that followed leave out
// vendored C headers. Since 0.30 the runner is a program of its own, llama-server,
// and the server builds again.
const (
	olderOllama = "0.9.6"
	newerOllama = "0.32.14"
)

// OllamaBinary builds a real Ollama server for CPUs, once, and returns its path.
// It takes 80 s on 2 cores and needs gcc and g++.
func OllamaBinary(ctx context.Context) (string, error) { return buildOllamaRelease(ctx, olderOllama) }

// NewerOllamaBinary is OllamaBinary of a release of 2026. It takes 110 s.
func NewerOllamaBinary(ctx context.Context) (string, error) {
	return buildOllamaRelease(ctx, newerOllama)
}

// buildOllamaRelease has the server say its version, as a released one does.
func buildOllamaRelease(ctx context.Context, version string) (string, error) {
	const module = "github.com/ollama/ollama"
	return buildModule(ctx, module+"@v"+version, ".", "ollama", "CGO_ENABLED=1", "GOFLAGS=-ldflags=-X="+module+"/version.Version="+version)
}

// ComposeV2 builds Compose v2, once, and returns its path. It runs by itself,
// without the docker command. It takes 81 s on 2 cores.
func ComposeV2(ctx context.Context) (string, error) {
	return buildModule(ctx, "github.com/docker/compose/v2@v2.40.3", "./cmd", "docker-compose-v2", "CGO_ENABLED=0")
}

// building lets one build run at a time: two of the same program would do
// everything twice, and each uses all cores.
var building sync.Mutex

// buildModule builds a program of another module into the repository's cache,
// unless it is there. It builds in the module's own folder: `go install` would
// refuse a module whose go.mod has exclude directives, as Compose's has.
func buildModule(ctx context.Context, module, program, name string, env ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	building.Lock()
	defer building.Unlock()
	_, version, _ := strings.Cut(module, "@")
	path := filepath.Join(root, ".cache", name+"-"+version, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	listing, err := command(ctx, nil, "go", "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(listing), &downloaded); err != nil {
		return "", fmt.Errorf("cannot find the folder of %s: %w", module, err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, program)
	build.Dir = downloaded.Dir
	build.Env = append(append(os.Environ(), "GOFLAGS="), env...) // the last of two with one name counts
	_, err = run(build)
	return path, err
}
