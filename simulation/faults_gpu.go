package simulation

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

// device is the state of the GPU, beside what runners hold of it.
type device struct {
	foreign, ghost uint64 // bytes
	withheld       bool   // containers that start do not get it
	lost           bool
	advice         evidence.GPUAdvice
	reasons        uint64
	factor         float64 // by which heat or power slows it down; below 1 counts as 1
	mismatch       bool
	hidden         string
	hangs          bool
	listHidden     bool
	watchers       map[*xidWatcher]bool
	firstOnCPU     time.Time
}

// LoseGPU takes the device nodes from the running container, as a reload of
// systemd does (F13). Loaded runners work on, and the host sees the GPU; runners
// that start from then on are on the CPU, ten times slower, with a size_vram of 0.
// The next start of the container brings the GPU back.
func (w *World) LoseGPU() { w.change(w.loseNodes) }

func (w *World) loseNodes() {
	if w.server != nil {
		w.server.gpu = false
	}
}

// BreakGPU is LoseGPU for this and every later run of the container (F12): the
// log of each start says library=cpu. The first start after it was turned off
// has the GPU again.
func (w *World) BreakGPU(on bool) {
	w.change(func() {
		if w.gpu.withheld = on; on {
			w.loseNodes()
		}
	})
}

// FirstOnCPU is when a token was first made on the CPU although the host has a GPU:
// the moment from which BreakGPU and LoseGPU can be noticed. Zero for never.
func (w *World) FirstOnCPU() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gpu.firstOnCPU
}

// noteCPU notes a token. world.mu is held.
func (r *runner) noteCPU() {
	w := r.server.world
	if !r.onGPU && w.config.GPUBytes > 0 && w.gpu.firstOnCPU.IsZero() {
		w.gpu.firstOnCPU = time.Now()
	}
}

// LoseDevice is a GPU that fell off the bus (F17): the driver calls it lost and
// tells nothing more of it, and the runners on it make no token and use nothing.
// tags, version and ps answer. The server cannot load anything on it; one that is
// started then finds no GPU, and says library=cpu. ResetGPU ends it.
func (w *World) LoseDevice() {
	w.change(func() {
		w.gpu.lost = true
		for _, r := range w.server.everyRunner() {
			r.cutOff = r.cutOff || r.onGPU && !r.loading
		}
		w.refreeze()
	})
}

// ResetGPU is a reset of the device by a person: it ends LoseDevice and GhostVRAM
// and takes the advice back. A runner that lost the device stays lost, and a
// server that started without it stays without.
func (w *World) ResetGPU() {
	w.change(func() { w.gpu.lost, w.gpu.ghost, w.gpu.advice = false, 0, "" })
}

// Advise is what the driver says has to be done about the GPU (F17).
func (w *World) Advise(advice evidence.GPUAdvice) { w.change(func() { w.gpu.advice = advice }) }

// Throttle sets the GPU's clock reasons and makes runners on it take factor times
// as long (F19). Zero and 1 end it. A software power cap (0x4) with a factor of 1
// is how a healthy GPU looks under load.
func (w *World) Throttle(reasons uint64, factor float64) {
	w.change(func() { w.gpu.reasons, w.gpu.factor = reasons, factor })
}

// Mismatch puts a driver on the host that does not fit its library (F20). What
// runs goes on; a container that is started now, with a GPU, does not start.
func (w *World) Mismatch(on bool) { w.change(func() { w.gpu.mismatch = on }) }

// HideGPU makes the view unknown for a reason (F21); an empty one ends it. The GPU
// itself works.
func (w *World) HideGPU(reason string) { w.change(func() { w.gpu.hidden = reason }) }

// HangGPU makes the driver's calls hang (F21): each View takes until its ctx ends,
// 5 s at most, and is unknown. The GPU itself works.
func (w *World) HangGPU(on bool) { w.change(func() { w.gpu.hangs = on }) }

// HideProcesses makes the driver list no processes, though memory is used (F21).
func (w *World) HideProcesses(on bool) { w.change(func() { w.gpu.listHidden = on }) }

// viewDeadline is when a look that hangs is given up, as the GPU adapter does.
const viewDeadline = 5 * time.Second

// unseen waits for as long as the driver hangs and says why there is no view.
func (w *World) unseen(ctx context.Context) string {
	w.mu.Lock()
	hangs, hidden := w.gpu.hangs, w.gpu.hidden
	w.mu.Unlock()
	switch {
	case w.config.GPUBytes == 0:
		return "the simulated host has no GPU"
	case hangs:
		_ = pause.For(ctx, viewDeadline)
		return "NVML did not answer"
	}
	return hidden
}
