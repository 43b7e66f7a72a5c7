//go:build linux && cgo

package gpu

import (
	"encoding/binary"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/clawdbot/clawgate/evidence"
)

// advices are the values of NVML's field GPU_RECOVERY_ACTION (nvml.h,
// nvmlDeviceGpuRecoveryAction_t).
var advices = map[nvml.DeviceGpuRecoveryAction]evidence.GPUAdvice{
	nvml.GPU_RECOVERY_ACTION_NONE:            evidence.AdviceNone,
	nvml.GPU_RECOVERY_ACTION_GPU_RESET:       evidence.AdviceReset,
	nvml.GPU_RECOVERY_ACTION_NODE_REBOOT:     evidence.AdviceReboot,
	nvml.GPU_RECOVERY_ACTION_DRAIN_P2P:       evidence.AdviceDrain,
	nvml.GPU_RECOVERY_ACTION_DRAIN_AND_RESET: evidence.AdviceDrainAndReset,
}

// readAdvice asks what the driver itself wants done about the device. A driver
// that does not know the field says so in the code of the value.
func (d *nvmlDriver) readAdvice(device nvml.Device, gpu *evidence.GPU) {
	if !d.has("nvmlDeviceGetFieldValues") {
		return
	}
	fields := []nvml.FieldValue{{FieldId: nvml.FI_DEV_GET_GPU_RECOVERY_ACTION}}
	code := device.GetFieldValues(fields)
	if code == nvml.SUCCESS {
		code = nvml.Return(fields[0].NvmlReturn)
	}
	gpu.Lost = gpu.Lost || lost(code)
	if code != nvml.SUCCESS {
		return
	}
	var known bool
	if gpu.Advice, known = advices[action(fields[0])]; !known {
		gpu.Advice = evidence.AdviceOther
	}
}

// action takes the number out of the union that a value is. The driver writes 32
// or 64 bits, whose lower half comes first on every machine that NVIDIA drives.
func action(field nvml.FieldValue) nvml.DeviceGpuRecoveryAction {
	return nvml.DeviceGpuRecoveryAction(binary.LittleEndian.Uint32(field.Value[:]))
}
