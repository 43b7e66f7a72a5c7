//go:build linux && cgo

package gpu

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// unavailableBecause says what an NVML code means for a person, as far as
// threads about Ollama and the NVIDIA container toolkit tell.
func unavailableBecause(doing string, code nvml.Return) *unavailable {
	return &unavailable{
		reason:   fmt.Sprintf("cannot %s: %s (NVML %d)", doing, meaning(code), int(code)),
		mismatch: code == nvml.ERROR_LIB_RM_VERSION_MISMATCH,
	}
}

func meaning(code nvml.Return) string {
	switch code {
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return "no NVIDIA driver library (libnvidia-ml.so.1) in this container"
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return "the NVIDIA kernel driver is not loaded"
	case nvml.ERROR_NO_PERMISSION:
		return "no permission to use the NVIDIA driver"
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return "driver and library have different versions, the host needs a reboot or its driver reloaded"
	case nvml.ERROR_GPU_IS_LOST:
		return "a GPU is lost"
	case nvml.ERROR_RESET_REQUIRED:
		return "a GPU needs a reset"
	case nvml.ERROR_OPERATING_SYSTEM, nvml.ERROR_UNKNOWN:
		// NVIDIA/nvidia-container-toolkit#48: `systemctl daemon-reload` takes the
		// devices from every running container, which shows as 999 or 17.
		return "unknown error, this container may have lost its GPU devices and needs to be started again"
	case nvml.ERROR_NOT_SUPPORTED:
		return "not supported by this GPU or driver"
	case nvml.ERROR_GPU_NOT_FOUND:
		return "no GPU was found"
	default:
		return "unexpected error"
	}
}

// lost reports whether the driver gave the device up: it "has fallen off the bus", or
// "requires a reset before it can be used again" (nvmlReturn_t in nvml.h).
func lost(code nvml.Return) bool {
	return code == nvml.ERROR_GPU_IS_LOST || code == nvml.ERROR_RESET_REQUIRED
}
