//go:build linux && cgo

package gpu

import (
	"cmp"
	"maps"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/clawdbot/clawgate/evidence"
)

// bytesNotAvailable is NVML_VALUE_NOT_AVAILABLE (-1) as the unsigned number of
// bytes that a process holds; always so under WDDM.
const bytesNotAvailable = ^uint64(0)

// readProcesses lists who holds memory on the device. Compute processes decide
// whether the list is known. Graphics processes and the clients of an MPS
// server stand in lists of their own; a process may stand in several.
func (d *nvmlDriver) readProcesses(device nvml.Device, gpu *evidence.GPU) {
	compute, code := device.GetComputeRunningProcesses()
	gpu.Lost = gpu.Lost || lost(code)
	gpu.ProcessesKnown = code == nvml.SUCCESS
	if !gpu.ProcessesKnown {
		return
	}
	found := map[int]evidence.GPUProcess{}
	d.add(found, compute)
	if d.has("nvmlDeviceGetGraphicsRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses_v3") {
		if graphics, code := device.GetGraphicsRunningProcesses(); code == nvml.SUCCESS {
			d.add(found, graphics)
		}
	}
	if d.has("nvmlDeviceGetMPSComputeRunningProcesses", "nvmlDeviceGetMPSComputeRunningProcesses_v3") {
		if clients, code := device.GetMPSComputeRunningProcesses(); code == nvml.SUCCESS {
			d.add(found, clients)
		}
	}
	gpu.Processes = slices.SortedFunc(maps.Values(found),
		func(a, b evidence.GPUProcess) int { return cmp.Compare(a.PID, b.PID) })
}

func (d *nvmlDriver) add(found map[int]evidence.GPUProcess, listed []nvml.ProcessInfo) {
	for _, info := range listed {
		process, again := found[int(info.Pid)]
		if !again {
			process.PID = int(info.Pid)
			d.processes.describe(&process)
		}
		if info.UsedGpuMemory != bytesNotAvailable {
			process.Bytes = max(process.Bytes, info.UsedGpuMemory)
			process.BytesKnown = true
		}
		found[process.PID] = process
	}
}
