package simulation

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// reservedBytes is what the driver keeps of a GPU for itself.
	reservedBytes = 400 << 20
	// onCPU is how much longer a model takes on the CPU of a host whose GPU it
	// did not get.
	onCPU = 10

	gpuName = "Simulated GPU"
	gpuUUID = "GPU-00000000-0000-0000-0000-000000000000"
)

// View looks at the GPU. Its memory is that of the loaded models, as far as
// they are loaded, and what the faults and other tenants hold.
func (w *World) View(ctx context.Context) evidence.GPUView {
	if reason := w.unseen(ctx); reason != "" {
		return evidence.GPUView{SeenAt: time.Now(), Reason: reason}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	gpu := evidence.GPU{Name: gpuName, UUID: gpuUUID, Lost: w.gpu.lost, Advice: w.gpu.advice}
	if !gpu.Lost {
		w.measure(&gpu)
	}
	return evidence.GPUView{
		SeenAt: time.Now(), Known: true, Driver: "simulated", Mismatch: w.gpu.mismatch, GPUs: []evidence.GPU{gpu},
	}
}

// measure fills in what the driver tells of a GPU that is there. w.mu is held.
func (w *World) measure(gpu *evidence.GPU) {
	tenants, used := w.tenants(), w.gpu.ghost
	for _, tenant := range tenants {
		used += tenant.Bytes
	}
	gpu.MemoryKnown = true
	gpu.TotalBytes, gpu.ReservedBytes = w.config.GPUBytes+reservedBytes, reservedBytes
	gpu.UsedBytes = min(w.config.GPUBytes, used)
	gpu.FreeBytes = w.config.GPUBytes - gpu.UsedBytes
	if !w.gpu.listHidden {
		gpu.ProcessesKnown, gpu.Processes = true, tenants
	}
	busy, temperature, reasons := uint32(0), uint32(38), w.gpu.reasons
	for _, r := range w.server.everyRunner() {
		if r.onGPU && r.working() && !r.loading {
			busy, temperature = 100, 66
		}
	}
	gpu.UtilizationPercent, gpu.TemperatureCelsius, gpu.ClockReasons = &busy, &temperature, &reasons
}

// pace is how much longer the runner takes than the model's own times say.
// world.mu is held.
func (r *runner) pace() float64 {
	w := r.server.world
	switch {
	case r.onGPU:
		return max(1, w.gpu.factor)
	case w.config.GPUBytes > 0:
		return onCPU
	}
	return 1
}

func (r *runner) paced(d time.Duration) time.Duration {
	return time.Duration(float64(r.server.world.slowed(d)) * r.pace())
}

// found is the server's log line about the GPU that it found, and its meaning.
// w.mu is held.
func (s *server) found() {
	w := s.world
	w.container.hint = evidence.GPUNotFound
	device := `id=cpu library=cpu variant="" compute="" driver=0.0 name=""`
	if s.gpu {
		w.container.hint = evidence.GPUFound
		device = `id=` + gpuUUID + ` library=cuda variant=v12 compute=9.0 driver=12.8 name="` + gpuName + `"`
	} else {
		w.logInfo("types.go:129", `msg="no compatible GPUs were discovered"`)
	}
	w.logInfo("types.go:130", `msg="inference compute" `+device)
}

// GPUHint is what the log says of the GPU in this run of the container.
func (w *World) GPUHint(ctx context.Context) (evidence.GPUHint, error) {
	if err := w.reach(ctx); err != nil {
		return evidence.GPUHintUnknown, w.failed("read the log of", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.container.hint, nil
}
