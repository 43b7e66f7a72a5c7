package admin

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/clawdbot/clawgate/evidence"
)

func number[T any](value T) *T { return &value }

func gpuView() evidence.GPUView {
	return evidence.GPUView{Known: true, GPUs: []evidence.GPU{{
		Index: 0, UUID: "GPU-a", Name: "NVIDIA H200",
		MemoryKnown: true, TotalBytes: 1000, UsedBytes: 700, FreeBytes: 250, ReservedBytes: 50,
		UtilizationPercent: number(uint32(42)), ClockReasons: number(evidence.ClockHardwareThermal | 0x1),
		ProcessesKnown: true, Processes: []evidence.GPUProcess{
			{PID: 1, ContainerID: "own", Bytes: 400, BytesKnown: true},
			{PID: 2, ContainerID: "own", Bytes: 100, BytesKnown: true},
			{PID: 3, ContainerID: "stranger", Bytes: 150, BytesKnown: true},
			{PID: 4, ContainerID: "", Bytes: 50, BytesKnown: true},
			{PID: 5, ContainerID: "own", Bytes: 9999, BytesKnown: false},
		},
	}}}
}

func TestAGPUsMemoryIsShownByOwner(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetGPU(gpuView(), evidence.GPUOwner{ContainerID: "own"})
	expect(t, registry, `
		clawgate_gpu_memory_bytes{gpu="GPU-a",kind="free"} 250
		clawgate_gpu_memory_bytes{gpu="GPU-a",kind="reserved"} 50
		clawgate_gpu_memory_bytes{gpu="GPU-a",kind="total"} 1000
		clawgate_gpu_memory_bytes{gpu="GPU-a",kind="used"} 700
		clawgate_gpu_memory_leaked_bytes{gpu="GPU-a"} 0
		clawgate_gpu_process_memory_bytes{gpu="GPU-a",owner="ollama"} 500
		clawgate_gpu_process_memory_bytes{gpu="GPU-a",owner="other"} 150
		clawgate_gpu_process_memory_bytes{gpu="GPU-a",owner="unknown"} 50
		clawgate_gpu_throttle{gpu="GPU-a",reason="hardware_slowdown"} 0
		clawgate_gpu_throttle{gpu="GPU-a",reason="hardware_thermal"} 1
		clawgate_gpu_throttle{gpu="GPU-a",reason="power_brake"} 0
		clawgate_gpu_throttle{gpu="GPU-a",reason="software_thermal"} 0
		clawgate_gpu_up 1
		clawgate_gpu_utilization_ratio{gpu="GPU-a"} 0.42`)
}

// figures are the families that a view of a GPU gives.
var figures = []string{
	"clawgate_gpu_memory_bytes", "clawgate_gpu_process_memory_bytes", "clawgate_gpu_utilization_ratio", "clawgate_gpu_throttle",
}

func TestAnUnknownViewShowsNoOldFigures(t *testing.T) {
	metrics, registry := newMetrics()
	expect(t, registry, "clawgate_gpu_up 0")
	metrics.SetGPU(gpuView(), evidence.GPUOwner{})
	if count, err := testutil.GatherAndCount(registry, figures...); err != nil || count == 0 {
		t.Fatalf("a known view gives %d series (%v), want some", count, err)
	}
	metrics.SetGPU(evidence.GPUView{Known: false, Reason: "the driver hangs"}, evidence.GPUOwner{})
	expect(t, registry, "clawgate_gpu_up 0")
	if count, err := testutil.GatherAndCount(registry, figures...); err != nil || count != 0 {
		t.Errorf("an unknown view gives %d series (%v), want none", count, err)
	}
}

func TestWhatTheDriverDoesNotReportIsAbsent(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetGPU(evidence.GPUView{Known: true, GPUs: []evidence.GPU{{Index: 3}}}, evidence.GPUOwner{})
	if count, err := testutil.GatherAndCount(registry, figures...); err != nil || count != 0 {
		t.Errorf("a GPU that reports nothing gives %d series (%v), want none", count, err)
	}
	expect(t, registry, `clawgate_gpu_memory_leaked_bytes{gpu="3"} 0`)
}

func TestALeakIsShownUntilACheckFindsNone(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetGPU(gpuView(), evidence.GPUOwner{})
	metrics.GPULeaked(evidence.LeakReport{Result: evidence.LeakFound, Leaks: []evidence.GPULeak{{UUID: "GPU-a", Bytes: 512}}})
	expect(t, registry, `clawgate_gpu_memory_leaked_bytes{gpu="GPU-a"} 512`)
	metrics.GPULeaked(evidence.LeakReport{Result: evidence.LeakUnknown})
	expect(t, registry, `clawgate_gpu_memory_leaked_bytes{gpu="GPU-a"} 512`)
	metrics.GPULeaked(evidence.LeakReport{Result: evidence.LeakNone})
	expect(t, registry, `clawgate_gpu_memory_leaked_bytes{gpu="GPU-a"} 0`)
}

func TestXidsAreCountedByDevice(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.GPUXid(evidence.Xid{GPU: "GPU-a", Code: 79})
	metrics.GPUXid(evidence.Xid{Code: 48})
	expect(t, registry, `
		clawgate_gpu_xid_total{gpu="GPU-a",xid="79"} 1
		clawgate_gpu_xid_total{gpu="unknown",xid="48"} 1`)
}
