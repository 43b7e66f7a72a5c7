package simulation

import "github.com/clawdbot/clawgate/evidence"

// The other tenant of the GPU that [World.Foreign] brings.
const (
	foreignPID       = 3001
	foreignCommand   = "/usr/bin/python3 train.py"
	foreignContainer = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"
)

// Foreign lets another tenant hold that many bytes of the GPU; 0 ends it. That
// alone is no fault. A load that does not fit beside it fails with a 500 "cudaMalloc
// failed: out of memory", after the server has unloaded what it could (F11).
func (w *World) Foreign(bytes uint64) { w.change(func() { w.gpu.foreign = bytes }) }

// LeakVRAM makes the server's own process hold that many more bytes of the GPU,
// until it ends (F15). Without a server it does nothing.
func (w *World) LeakVRAM(bytes uint64) {
	w.change(func() {
		if w.server != nil {
			w.server.leaked += bytes
		}
	})
}

// GhostVRAM makes that many bytes of the GPU be in use by no process (F15). They
// outlive the container; ResetGPU frees them.
func (w *World) GhostVRAM(bytes uint64) { w.change(func() { w.gpu.ghost += bytes }) }

// beside is what is in use of the GPU other than by the models that the server
// has in its list. w.mu is held.
func (w *World) beside() uint64 {
	bytes := w.gpu.foreign + w.gpu.ghost
	if w.server != nil {
		bytes += w.server.leaked
		for _, r := range w.server.orphans {
			bytes += r.vram()
		}
	}
	return bytes
}

// fits says whether the GPU has room for the model beside the loaded ones and all
// else. Alone on a GPU every model fits: Ollama leaves the rest to the CPU. w.mu is
// held.
func (s *server) fits(m *model) bool {
	if !s.gpu {
		return true
	}
	used := s.world.beside()
	for _, r := range s.loaded {
		if r.onGPU && r.model != m {
			used += uint64(r.model.Bytes)
		}
	}
	return used == 0 || used+uint64(m.Bytes) <= s.world.config.GPUBytes
}

// obstacle is why the load cannot go on.
func (r *runner) obstacle() error {
	w := r.server.world
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.onGPU && w.gpu.lost:
		return w.release.terminated("CUDA error: unspecified launch failure")
	case w.flaws[r.model.digest].tooLarge, r.onGPU && !r.server.fits(r.model):
		w.logLine("ggml_backend_cuda_buffer_type_alloc_buffer: allocating on device 0: cudaMalloc failed: out of memory")
		return w.release.terminated("cudaMalloc failed: out of memory")
	}
	return nil
}

// tenants are the processes that hold memory of the GPU. w.mu is held.
func (w *World) tenants() []evidence.GPUProcess {
	var tenants []evidence.GPUProcess
	add := func(pid int, bytes uint64, container, command string) {
		tenants = append(tenants, evidence.GPUProcess{
			PID: pid, Bytes: bytes, BytesKnown: true, ContainerID: container, Command: command,
		})
	}
	if w.gpu.foreign > 0 {
		add(foreignPID, w.gpu.foreign, foreignContainer, foreignCommand)
	}
	if w.server != nil && w.server.leaked > 0 {
		add(w.server.pid, w.server.leaked, w.container.id, serverCommand)
	}
	for _, r := range w.server.everyRunner() {
		if r.onGPU {
			add(r.pid, r.vram(), w.container.id, r.command())
		}
	}
	return tenants
}

// vram is what the runner holds of the GPU now. world.mu is held.
func (r *runner) vram() uint64 {
	if r.dead || !r.onGPU {
		return 0
	}
	return uint64(r.read * float64(r.model.Bytes))
}
