package verdict

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const (
	mib       = 1 << 20
	modelSize = 20_000 * mib
)

// holding is a process of the container, or of another where it is named.
func holding(pid int, bytes uint64, container string) evidence.GPUProcess {
	return evidence.GPUProcess{PID: pid, Bytes: bytes, BytesKnown: true, ContainerID: container, Command: "/usr/bin/ollama runner"}
}

// gpuWith is a GPU on which these processes hold memory, and nobody else.
func gpuWith(processes ...evidence.GPUProcess) evidence.GPU {
	g := evidence.GPU{UUID: "GPU-1", Name: "a card", MemoryKnown: true, ProcessesKnown: true, Processes: processes, TotalBytes: 48_000 * mib}
	for _, p := range processes {
		g.UsedBytes += p.Bytes
	}
	g.FreeBytes = g.TotalBytes - min(g.TotalBytes, g.UsedBytes)
	return g
}

func viewOf(gpus ...evidence.GPU) evidence.GPUView {
	return evidence.GPUView{SeenAt: now, Known: true, GPUs: gpus}
}

// onCard is the usual model with all of it on the container's GPU, as the driver
// and Ollama see it, changed by each of the given changes.
func onCard(changes ...func(*Picture)) Picture {
	return picture(append([]func(*Picture){func(p *Picture) {
		p.Container.Seen.GPURequested = true
		p.Server.Loaded = []evidence.LoadedModel{{Name: target, Size: modelSize, SizeVRAM: modelSize}}
		p.Devices = watch.Devices{View: viewOf(gpuWith(holding(1, modelSize, "c1"))), OwnSeen: true, Hint: evidence.GPUFound}
		p.Model.BestRatio, p.Model.UsedThisRun = 1, true
	}}, changes...)...)
}

func view(gpus ...evidence.GPU) func(*Picture) {
	return func(p *Picture) { p.Devices.View = viewOf(gpus...) }
}

func noView(p *Picture) {
	p.Devices.View = evidence.GPUView{SeenAt: now, Reason: "the driver does not answer"}
}

// mismatch is what a fresh look at the driver finds after an upgrade of it.
func mismatch(p *Picture) { p.Devices.View = evidence.GPUView{SeenAt: now, Mismatch: true} }

// lost is a GPU that the driver has given up.
func lost(p *Picture) { view(evidence.GPU{UUID: "GPU-1", Name: "a card", Lost: true})(p) }

// xid is an error of the device class, and what the driver says of it.
func xid(code uint64, advice evidence.GPUAdvice) func(*Picture) {
	return func(p *Picture) {
		p.Devices.SawXid(evidence.Xid{At: ago(time.Minute), GPU: "GPU-1", Code: code})
		g := gpuWith(holding(1, modelSize, "c1"))
		g.Advice = advice
		view(g)(p)
	}
}

func sizeVRAM(bytes uint64) func(*Picture) {
	return func(p *Picture) { p.Server.Loaded[0].SizeVRAM = bytes }
}
func logSays(h evidence.GPUHint) func(*Picture) {
	return func(p *Picture) { p.Devices.Hint = h }
}

func fallen(p *Picture) {
	for _, speed := range []float64{40, 40, 40, 3, 3, 3} {
		p.Model.Pace = p.Model.Pace.Add(speed)
	}
}

func throttledFor(d time.Duration) func(*Picture) {
	return func(p *Picture) {
		p.Devices.ThrottledSince, p.Devices.ThrottledBy = ago(d), []string{"hardware_thermal"}
	}
}

// leakFor is what an orphan that has been there for the time d makes of the count.
func leakFor(d time.Duration) func(*Picture) { return orphan(d, false) }

func orphan(d time.Duration, underLoad bool) func(*Picture) {
	return func(p *Picture) {
		for at := d; ; at = max(0, at-10*time.Second) {
			view := viewOf(gpuWith(holding(7, 9000*mib, "c1")))
			view.SeenAt = ago(at)
			if p.Devices.Leak = p.Devices.Leak.Add(view, "c1", nil, underLoad, 512*mib); at == 0 {
				return
			}
		}
	}
}

// wedged is a model that is silent in a still server.
func wedged(p *Picture) { ready(3, 15*time.Second, evidence.ProbeResult{})(p) }
