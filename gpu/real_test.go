//go:build linux && cgo

package gpu

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// realNVML names the variable that runs the tests of a real driver. `go test -c
// ./gpu` makes a binary for a machine without Go:
//
//	CLAWGATE_TEST_REAL_NVML=1 ./gpu.test -test.v -test.run Real
const realNVML = "CLAWGATE_TEST_REAL_NVML"

func watchReal(t *testing.T) *watcher {
	t.Helper()
	if os.Getenv(realNVML) == "" {
		t.Skipf("%s is not set: it wants a machine with an NVIDIA GPU", realNVML)
	}
	return watch(t, func() *exec.Cmd { return childCommand(t, childServes, "NVML_STUB_LIBRARY=") }, nil)
}

func TestRealDriverTellsOfItsGPUs(t *testing.T) {
	w := watchReal(t)
	started := time.Now()
	first := mustBeKnown(t, w.View(t.Context()))
	t.Logf("initialisation and first view: %s", time.Since(started))
	started = time.Now()
	const views = 20
	for range views {
		mustBeKnown(t, w.View(t.Context()))
	}
	t.Logf("a view: %s", time.Since(started)/views)
	text, err := json.MarshalIndent(first, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	if first.Driver == "" || len(first.GPUs) == 0 {
		t.Fatalf("driver %q, %d GPUs", first.Driver, len(first.GPUs))
	}
	for _, gpu := range first.GPUs {
		mustBePlausible(t, gpu)
	}
}

func mustBePlausible(t *testing.T, gpu evidence.GPU) {
	t.Helper()
	if !strings.HasPrefix(gpu.UUID, "GPU-") || gpu.Name == "" || gpu.Lost {
		t.Errorf("GPU %d: UUID %q, name %q, lost %v", gpu.Index, gpu.UUID, gpu.Name, gpu.Lost)
	}
	if gpu.MemoryKnown && (gpu.TotalBytes < 1<<30 || gpu.UsedBytes > gpu.TotalBytes) {
		t.Errorf("GPU %d: %d of %d bytes in use", gpu.Index, gpu.UsedBytes, gpu.TotalBytes)
	}
	if celsius := gpu.TemperatureCelsius; celsius != nil && (*celsius < 5 || *celsius > 120) {
		t.Errorf("GPU %d: %d °C", gpu.Index, *celsius)
	}
	if percent := gpu.UtilizationPercent; percent != nil && *percent > 100 {
		t.Errorf("GPU %d: %d %% busy", gpu.Index, *percent)
	}
}

func TestRealDriverIsSeenAfresh(t *testing.T) {
	w := watchReal(t)
	before := mustBeKnown(t, w.View(t.Context()))
	pid := w.childPID(t)
	started := time.Now()
	after := mustBeKnown(t, w.FreshView(t.Context()))
	t.Logf("a fresh view: %s", time.Since(started))
	if after.Mismatch || after.Driver != before.Driver || len(after.GPUs) != len(before.GPUs) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	mustBeGone(t, pid)
	if leak := Leak(before, after, evidence.GPUOwner{PIDs: []int{pid}}, 512<<20); leak.Result == evidence.LeakFound {
		t.Errorf("looking leaks: %s", leak.Reason)
	}
}
