package simulation

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// reservedBytes is what the driver keeps of a GPU for itself.
const reservedBytes = 400 << 20

func (w *World) library() string {
	if w.config.GPUBytes > 0 {
		return "cuda"
	}
	return "cpu"
}

// vram is the part of a model that is on the GPU: all or nothing.
func (w *World) vram(bytes int64) int64 {
	if w.config.GPUBytes > 0 {
		return bytes
	}
	return 0
}

// View looks at the GPU. Its memory is that of the loaded models, as far as
// they are loaded.
func (w *World) View(context.Context) evidence.GPUView {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.config.GPUBytes == 0 {
		return evidence.GPUView{SeenAt: now, Reason: "the simulated host has no GPU"}
	}
	w.settle()
	gpu := evidence.GPU{
		Name: "Simulated GPU", UUID: "GPU-00000000-0000-0000-0000-000000000000", MemoryKnown: true,
		TotalBytes: w.config.GPUBytes + reservedBytes, ReservedBytes: reservedBytes, ProcessesKnown: true,
	}
	busy, temperature := uint32(0), uint32(38)
	for _, r := range w.holders() {
		bytes := uint64(r.read * float64(r.model.Bytes))
		gpu.UsedBytes += bytes
		gpu.Processes = append(gpu.Processes, evidence.GPUProcess{
			PID: r.pid, Bytes: bytes, BytesKnown: true, ContainerID: w.container.id, Command: r.command(),
		})
		if r.working() && !r.loading {
			busy, temperature = 100, 66
		}
	}
	gpu.FreeBytes = w.config.GPUBytes - min(w.config.GPUBytes, gpu.UsedBytes)
	gpu.UtilizationPercent, gpu.TemperatureCelsius, gpu.ClockReasons = &busy, &temperature, new(uint64)
	return evidence.GPUView{SeenAt: now, Known: true, Driver: "simulated", GPUs: []evidence.GPU{gpu}}
}

// holders are the runners that live, in a fixed order. w.mu is held.
func (w *World) holders() []*runner {
	var holders []*runner
	if w.server == nil {
		return nil
	}
	for _, digest := range slices.Sorted(maps.Keys(w.server.loaded)) {
		if r := w.server.loaded[digest]; !r.dead {
			holders = append(holders, r)
		}
	}
	return holders
}
