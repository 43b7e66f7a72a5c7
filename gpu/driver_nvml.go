//go:build linux && cgo

package gpu

import (
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/clawdbot/clawgate/evidence"
)

// nvmlDriver makes the NVML calls. A function that not every driver has is
// looked up before it is called: calling a missing one ends the process with
// exit code 127, and recover does not help.
type nvmlDriver struct {
	lib       nvml.Interface
	processes processTable
}

func openDriver(libraryPath string) (driver, error) {
	var options []nvml.LibraryOption
	if libraryPath != "" {
		options = append(options, nvml.WithLibraryPath(libraryPath))
	}
	lib := nvml.New(options...)
	if code := lib.Init(); code != nvml.SUCCESS {
		return nil, unavailableBecause("initialise NVML", code)
	}
	return &nvmlDriver{lib: lib, processes: hostProcesses()}, nil
}

// has reports whether the driver has at least one of the functions. go-nvml
// itself takes the newest version that it finds, and the first without a look.
func (d *nvmlDriver) has(functions ...string) bool {
	for _, function := range functions {
		if d.lib.Extensions().LookupSymbol(function) == nil {
			return true
		}
	}
	return false
}

func (d *nvmlDriver) snapshot() (evidence.GPUView, error) {
	count, code := d.lib.DeviceGetCount()
	if code != nvml.SUCCESS {
		return evidence.GPUView{}, unavailableBecause("count the GPUs", code)
	}
	view := evidence.GPUView{Known: true, Driver: d.version()}
	for index := range count {
		view.GPUs = append(view.GPUs, d.gpu(index))
	}
	return view, nil
}

func (d *nvmlDriver) version() string {
	if version, code := d.lib.SystemGetDriverVersion(); code == nvml.SUCCESS {
		return version
	}
	return ""
}

func (d *nvmlDriver) gpu(index int) evidence.GPU {
	gpu := evidence.GPU{Index: index}
	device, code := d.lib.DeviceGetHandleByIndex(index)
	if code != nvml.SUCCESS {
		gpu.Lost = lost(code)
		return gpu
	}
	if name, code := device.GetName(); code == nvml.SUCCESS {
		gpu.Name = name
	}
	if uuid, code := device.GetUUID(); code == nvml.SUCCESS {
		gpu.UUID = uuid
	}
	d.readMemory(device, &gpu)
	d.readLoad(device, &gpu)
	d.readProcesses(device, &gpu)
	d.readAdvice(device, &gpu)
	return gpu
}

// readMemory prefers the second version of the call, which tells what driver
// and firmware reserve. Its "used" means different things in different drivers
// (rust-nvml/nvml-wrapper#57), so used is computed.
func (d *nvmlDriver) readMemory(device nvml.Device, gpu *evidence.GPU) {
	if d.has("nvmlDeviceGetMemoryInfo_v2") {
		memory, code := device.GetMemoryInfo_v2()
		gpu.Lost = gpu.Lost || lost(code)
		if code == nvml.SUCCESS {
			setMemory(gpu, memory.Total, memory.Free, memory.Reserved)
		}
	}
	if !gpu.MemoryKnown && !gpu.Lost {
		memory, code := device.GetMemoryInfo()
		gpu.Lost = lost(code)
		if code == nvml.SUCCESS {
			setMemory(gpu, memory.Total, memory.Free, 0)
		}
	}
	if d.has("nvmlDeviceGetNumaNodeId") {
		_, code := device.GetNumaNodeId()
		gpu.Coherent = code == nvml.SUCCESS
	}
}

// setMemory refuses numbers that cannot be: a total of zero is what some
// unified-memory devices answer instead of NOT_SUPPORTED.
func setMemory(gpu *evidence.GPU, total, free, reserved uint64) {
	if total == 0 || free > total || reserved > total-free {
		return
	}
	gpu.MemoryKnown = true
	gpu.TotalBytes, gpu.FreeBytes, gpu.ReservedBytes = total, free, reserved
	gpu.UsedBytes = total - free - reserved
}

func (d *nvmlDriver) readLoad(device nvml.Device, gpu *evidence.GPU) {
	if utilization, code := device.GetUtilizationRates(); code == nvml.SUCCESS {
		gpu.UtilizationPercent = &utilization.Gpu
	}
	if d.has("nvmlDeviceGetTemperature") { // deprecated since driver 580
		if celsius, code := device.GetTemperature(nvml.TEMPERATURE_GPU); code == nvml.SUCCESS {
			gpu.TemperatureCelsius = &celsius
		}
	}
	var reasons uint64
	code := nvml.ERROR_FUNCTION_NOT_FOUND
	switch {
	case d.has("nvmlDeviceGetCurrentClocksEventReasons"):
		reasons, code = device.GetCurrentClocksEventReasons()
	case d.has("nvmlDeviceGetCurrentClocksThrottleReasons"): // its name before driver 535
		reasons, code = device.GetCurrentClocksThrottleReasons()
	}
	if code == nvml.SUCCESS {
		gpu.ClockReasons = &reasons
	}
}
