//go:build linux && cgo

package gpu

import (
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// eventWaitMilliseconds bounds one wait in the driver.
	eventWaitMilliseconds = 5000
	// eventRetry is the pause after the driver refused to wait. A lost GPU
	// refuses at once and for ever (GPU_IS_LOST), which must not spin.
	eventRetry = 30 * time.Second
)

// watchXids watches each GPU through an event set of its own, so that one that
// is lost or has no events does not silence the others.
func (d *nvmlDriver) watchXids(report func(evidence.Xid)) {
	if !d.has("nvmlEventSetCreate") || !d.has("nvmlEventSetWait", "nvmlEventSetWait_v2") ||
		!d.has("nvmlDeviceRegisterEvents") || !d.has("nvmlDeviceGetSupportedEventTypes") {
		return
	}
	count, code := d.lib.DeviceGetCount()
	if code != nvml.SUCCESS {
		return // the next snapshot meets the same and says so
	}
	var watchers sync.WaitGroup
	for index := range count {
		device, code := d.lib.DeviceGetHandleByIndex(index)
		if code != nvml.SUCCESS {
			continue
		}
		watchers.Go(func() {
			for d.watchDevice(device, report) {
				time.Sleep(eventRetry)
			}
		})
	}
	watchers.Wait()
}

// watchDevice reports until the driver refuses. It answers whether another try
// makes sense: a board without Xid events (NOT_SUPPORTED, or absent from the
// mask of supported types) is normal and stays so.
func (d *nvmlDriver) watchDevice(device nvml.Device, report func(evidence.Xid)) bool {
	supported, code := device.GetSupportedEventTypes()
	if code == nvml.ERROR_NOT_SUPPORTED || code == nvml.SUCCESS && supported&nvml.EventTypeXidCriticalError == 0 {
		return false
	}
	set, code := d.lib.EventSetCreate()
	if code != nvml.SUCCESS {
		return true
	}
	// After a registration that failed with UNKNOWN the set must be freed as well.
	defer func() { _ = set.Free() }() // nothing can be done about it
	if code := device.RegisterEvents(nvml.EventTypeXidCriticalError, set); code != nvml.SUCCESS {
		return code != nvml.ERROR_NOT_SUPPORTED
	}
	uuid, _ := device.GetUUID()
	for {
		event, code := set.Wait(eventWaitMilliseconds)
		switch {
		case code == nvml.ERROR_TIMEOUT:
		case code != nvml.SUCCESS:
			return true
		case event.EventType == nvml.EventTypeXidCriticalError:
			report(evidence.Xid{At: time.Now(), GPU: uuid, Code: event.EventData})
		}
	}
}
