package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/clawdbot/clawgate/"

// The domain owns its interfaces; Docker and NVML stay behind one adapter each,
// so that either can be replaced by changing one package.
func TestImportsRunOneWay(t *testing.T) {
	for _, rule := range []struct {
		packages string // as the go tool names them
		never    []string
		why      string
	}{
		{"./sidecar/...", []string{module + "dockerctl", module + "gpu", module + "cmd/"}, "the sidecar is given its engine and its GPUs"},
		{"./gateway/...", []string{module + "dockerctl", module + "gpu", module + "cmd/", module + "sidecar/relay", module + "sidecar/verdict", module + "sidecar/recovery"}, "the door holds no privilege and judges nothing"},
		{"./gateway/...", []string{"github.com/docker/docker", "github.com/NVIDIA/go-nvml"}, "the door holds no privilege"},
		{"./sidecar/...", []string{module + "gateway"}, "the relay knows no door"},
		{"./sidecar/watch", []string{module + "sidecar/verdict", module + "sidecar/policy"}, "memory draws no conclusion"},
		{"./sidecar/verdict", []string{module + "sidecar/policy"}, "diagnosis sees the world, and not what Clawgate does"},
		{"./sidecar/watch", []string{module + "gateway", module + "proxy", module + "wire"}, "memory is built on the vocabulary alone"},
		{"./proxy", []string{module + "gateway", module + "sidecar"}, "proxy is a leaf"},
		{"./wire", []string{module + "gateway", module + "sidecar", module + "proxy"}, "wire is a leaf"},
		{"./evidence", []string{module + "gateway", module + "sidecar", module + "proxy", module + "ollama"}, "evidence is a vocabulary"},
		{"./simulation", []string{module + "gateway", module + "sidecar", module + "proxy"}, "the simulation knows nothing of what it tests"},
		{"./gateway/...", []string{module + "sidecar"}, "what the layers share has a place of its own"},
		{"./members", []string{module + "gateway", module + "sidecar", module + "proxy"}, "members is a leaf"},
		{"./crowd", []string{module + "gateway", module + "sidecar", module + "proxy"}, "crowd is a leaf"},
		{"./environment", []string{module + "gateway", module + "sidecar"}, "environment is a leaf"},
		{"./guesses", []string{module + "gateway", module + "sidecar"}, "guesses is a leaf"},
		{"./hosts", []string{module + "gateway", module + "sidecar"}, "hosts is a leaf"},
		{"./pause", []string{module + "gateway", module + "sidecar"}, "pause is a leaf"},
		{"./serve", []string{module + "gateway", module + "sidecar"}, "serve is a leaf"},
		{"./smallfile", []string{module + "gateway", module + "sidecar"}, "smallfile is a leaf"},
		{"./dockerctl", []string{module + "gpu", module + "sidecar/verdict", module + "sidecar/relay"}, "dockerctl is a leaf"},
		{"./gpu", []string{module + "dockerctl", module + "sidecar/verdict", module + "sidecar/relay"}, "gpu is a leaf"},
		{"./sidecar/...", []string{"github.com/docker/docker", "github.com/NVIDIA/go-nvml"}, "SDKs stay in their adapter"},
		{"./gpu", []string{"github.com/docker/docker"}, "only dockerctl knows the Docker SDK"},
		{"./dockerctl", []string{"github.com/NVIDIA/go-nvml"}, "only gpu knows NVML"},
	} {
		for _, dependency := range dependencies(t, rule.packages) {
			for _, never := range rule.never {
				if strings.HasPrefix(dependency, never) {
					t.Errorf("%s depends on %s: %s", rule.packages, dependency, rule.why)
				}
			}
		}
	}
}

func dependencies(t *testing.T, packages string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", packages)
	list.Dir = "../.."
	output, err := list.Output()
	if err != nil {
		t.Fatalf("cannot list what %s depends on: %v", packages, err)
	}
	found := strings.Fields(string(output))
	named := module + strings.TrimSuffix(strings.TrimPrefix(packages, "./"), "/...")
	if !slices.ContainsFunc(found, func(path string) bool { return path == named || strings.HasPrefix(path, named+"/") }) {
		t.Fatalf("%s is not among what it depends on, which cannot be: %v", packages, found)
	}
	return found
}
