//go:build e2e

package guard

import (
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/dockerctl/dockerctltest"
	"github.com/clawdbot/clawgate/evidence"
)

func TestTheHelperIsRunThroughTheVariantAlone(t *testing.T) {
	ours := dockerctltest.Name()
	dockerctltest.Run(t, ours)
	for code, want := range map[string]string{"0": "", "19": "it ended with exit code 19"} {
		helper := ours + "-gpu-reset"
		dockerctltest.Create(t, helper, "-exit", code)
		if err := runHelper(t, ours, helper, "GUARD_GPU_RESET=false"); err == nil || !strings.Contains(strings.ToLower(err.Error()), "forbidden") {
			t.Errorf("through the guard without the variant: %v", err)
		}
		for range 2 { // created, and ended
			if err := runHelper(t, ours, helper, "GUARD_GPU_RESET=true"); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("exit code %s: %v", code, err)
			}
		}
		dockerctltest.Remove(t, helper)
	}
}

func runHelper(t *testing.T, ours, helper, env string) error {
	t.Helper()
	g := start(t, ours, dockerctltest.Socket(t), env)
	h, err := dockerctltest.New(t, g.host(), ours).Helper(helper)
	if err != nil {
		t.Fatal(err)
	}
	return h.Run(t.Context())
}

func TestTheSidecarsOtherCallsPassTheVariant(t *testing.T) {
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t), "GUARD_GPU_RESET=true")
	dockerctltest.Exercise(t, g.host(), name)
}

func TestTheBeginningOfThePresentRunsLogPasses(t *testing.T) {
	name := dockerctltest.Name()
	g := start(t, name, dockerctltest.Socket(t))
	dockerctltest.Run(t, name, "-say", `msg="inference compute" id=0 library=cuda`)
	container := dockerctltest.New(t, g.host(), name)
	dockerctltest.AwaitUp(t, container)
	if hint, err := container.GPUHint(t.Context()); err != nil || hint != evidence.GPUFound {
		t.Errorf("got %q, %v", hint, err)
	}
}
