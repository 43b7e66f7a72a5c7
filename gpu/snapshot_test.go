//go:build linux && cgo

package gpu

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// gpusOf takes a view of a host with the given stub and state.
func gpusOf(t *testing.T, variant string, state ...string) []evidence.GPU {
	t.Helper()
	h := newHost(t, variant, state...)
	return mustBeKnown(t, h.watch(nil).View(t.Context())).GPUs
}

func TestViewTellsEverythingOfTwoGPUs(t *testing.T) {
	h := newHost(t, newDriver,
		"gpus 2", "total 25769803776", "reserved 314572800",
		"free@0 9000000000", "utilization@0 97", "temperature@0 81", "clocks@0 68",
		"compute 0 4242 16000000000", "compute 0 17 100000000",
		"utilization@1 3", "temperature@1 35")
	asked := time.Now()
	view := mustBeKnown(t, h.watch(nil).View(t.Context()))
	if view.SeenAt.Before(asked) || view.SeenAt.After(time.Now()) {
		t.Errorf("the view says it is of %v", view.SeenAt)
	}
	view.SeenAt = time.Time{}
	number := func(n uint32) *uint32 { return &n }
	mask := func(n uint64) *uint64 { return &n }
	want := evidence.GPUView{
		Known: true, Driver: "570.00.00",
		GPUs: []evidence.GPU{{
			Index: 0, Name: "Stub GPU 0", UUID: "GPU-00000000-0000-0000-0000-000000000000",
			MemoryKnown: true, TotalBytes: 25769803776, ReservedBytes: 314572800,
			FreeBytes: 9000000000, UsedBytes: 25769803776 - 314572800 - 9000000000,
			UtilizationPercent: number(97), TemperatureCelsius: number(81), ClockReasons: mask(68),
			ProcessesKnown: true,
			Processes: []evidence.GPUProcess{
				{PID: 17, Bytes: 100000000, BytesKnown: true},
				{PID: 4242, Bytes: 16000000000, BytesKnown: true},
			},
		}, {
			Index: 1, Name: "Stub GPU 1", UUID: "GPU-00000001-0000-0000-0000-000000000000",
			MemoryKnown: true, TotalBytes: 25769803776, ReservedBytes: 314572800,
			FreeBytes:          25769803776 - 314572800,
			UtilizationPercent: number(3), TemperatureCelsius: number(35), ClockReasons: mask(1),
			ProcessesKnown: true,
		}},
	}
	// Whose a process is depends on the machine that the test runs on.
	for i := range view.GPUs[0].Processes {
		view.GPUs[0].Processes[i].Command, view.GPUs[0].Processes[i].ContainerID = "", ""
	}
	if !reflect.DeepEqual(view, want) {
		t.Errorf("got  %+v\nwant %+v", view, want)
	}
}

func TestOldDriverIsReadThroughItsOldCalls(t *testing.T) {
	gpu := gpusOf(t, oldDriver, "total 8000", "free 5000", "clocks 32", "compute 0 7 2000")[0]
	if !gpu.MemoryKnown || gpu.UsedBytes != 3000 || gpu.ReservedBytes != 0 {
		t.Errorf("memory: known %v, %d used, %d reserved", gpu.MemoryKnown, gpu.UsedBytes, gpu.ReservedBytes)
	}
	if gpu.ClockReasons == nil || *gpu.ClockReasons != 32 {
		t.Errorf("clock reasons: %v", gpu.ClockReasons)
	}
	if !gpu.ProcessesKnown || len(gpu.Processes) != 1 || gpu.Processes[0].Bytes != 2000 {
		t.Errorf("processes: %+v", gpu.Processes)
	}
}

func TestWhatADriverDoesNotTellIsAbsent(t *testing.T) {
	gpu := gpusOf(t, newDriver,
		"return nvmlDeviceGetMemoryInfo_v2 3", "return nvmlDeviceGetMemoryInfo 4",
		"return nvmlDeviceGetUtilizationRates 3", "return nvmlDeviceGetTemperature 3",
		"return nvmlDeviceGetCurrentClocksEventReasons 3",
		"return nvmlDeviceGetComputeRunningProcesses_v3 4")[0]
	want := evidence.GPU{Name: "Stub GPU 0", UUID: "GPU-00000000-0000-0000-0000-000000000000"}
	if !reflect.DeepEqual(gpu, want) {
		t.Errorf("got  %+v\nwant %+v", gpu, want)
	}
}

func TestSecondMemoryCallThatIsRefusedFallsBackToTheFirst(t *testing.T) {
	gpu := gpusOf(t, newDriver, "return nvmlDeviceGetMemoryInfo_v2 25", "total 8000", "free 5000")[0]
	if !gpu.MemoryKnown || gpu.UsedBytes != 3000 {
		t.Errorf("memory: known %v, %d used", gpu.MemoryKnown, gpu.UsedBytes)
	}
}

func TestImpossibleMemoryNumbersAreUnknown(t *testing.T) {
	for _, state := range [][]string{
		{"total 0", "free 0"},
		{"total 1000", "free 2000"},
		{"total 1000", "free 600", "reserved 500"},
	} {
		state = append(state, "return nvmlDeviceGetMemoryInfo 3")
		if gpu := gpusOf(t, newDriver, state...)[0]; gpu.MemoryKnown || gpu.UsedBytes != 0 {
			t.Errorf("%v: known %v, %d used", state, gpu.MemoryKnown, gpu.UsedBytes)
		}
	}
}

func TestProcessesOfAllKindsAreListedOnce(t *testing.T) {
	gpu := gpusOf(t, newDriver,
		"compute 0 10 500", "compute 0 11 unavailable",
		"graphics 0 10 500", "graphics 0 12 70", "mps 0 13 90")[0]
	var pids []int
	for _, process := range gpu.Processes {
		pids = append(pids, process.PID)
	}
	if !slices.Equal(pids, []int{10, 11, 12, 13}) {
		t.Fatalf("PIDs %v", pids)
	}
	if p := gpu.Processes[0]; p.Bytes != 500 || !p.BytesKnown {
		t.Errorf("a process in two lists: %+v", p)
	}
	if p := gpu.Processes[1]; p.Bytes != 0 || p.BytesKnown {
		t.Errorf("a process whose memory is not told: %+v", p)
	}
}

func TestCoherentMemoryIsRecognised(t *testing.T) {
	gpus := gpusOf(t, newDriver, "gpus 2", "numa@1 4")
	if gpus[0].Coherent || !gpus[1].Coherent {
		t.Errorf("coherent: %v, %v", gpus[0].Coherent, gpus[1].Coherent)
	}
}

func TestLostGPUHidesNoOther(t *testing.T) {
	for name, state := range map[string]string{
		"no handle":           "return nvmlDeviceGetHandleByIndex_v2@0 15",
		"no memory":           "return nvmlDeviceGetMemoryInfo_v2@0 15",
		"no processes, reset": "return nvmlDeviceGetComputeRunningProcesses_v3@0 16",
	} {
		t.Run(name, func(t *testing.T) {
			gpus := gpusOf(t, newDriver, "gpus 2", state)
			if !gpus[0].Lost {
				t.Errorf("GPU 0 is not lost: %+v", gpus[0])
			}
			if gpus[1].Lost || !gpus[1].MemoryKnown || !gpus[1].ProcessesKnown {
				t.Errorf("GPU 1: %+v", gpus[1])
			}
		})
	}
}

func TestHostWithoutAnyGPUIsKnown(t *testing.T) {
	if gpus := gpusOf(t, newDriver, "gpus 0"); len(gpus) != 0 {
		t.Errorf("GPUs: %+v", gpus)
	}
}
