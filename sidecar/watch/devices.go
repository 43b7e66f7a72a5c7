package watch

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Devices is what was seen of the GPUs. It outlives the runs of the server.
type Devices struct {
	View      evidence.GPUView // the last one, known or not
	LastKnown evidence.GPUView
	WorkedAt  time.Time // when one of the container's was seen at work last

	failed map[string]bool // by UUID: those that the driver has given up, or wants something done about
	xids   map[XidKind]deviceXid
	// DoubtedAt is when the model's GPU came into question last.
	DoubtedAt time.Time
	// Mismatch says that a container that is stopped now would not start again.
	Mismatch bool

	Hint    evidence.GPUHint // of this run of the container
	OwnSeen bool             // the container was seen to hold memory, ever
	Leak    Leak

	ThrottledSince time.Time
	ThrottledBy    []string
}

// containerStarted drops what belongs to a run of the container that is over. A device
// that failed outlives it.
func (d *Devices) containerStarted() { d.Hint, d.Leak = evidence.GPUHintUnknown, Leak{} }

// Forget drops the devices' failures: somebody was at the machine, and may have mended
// them. If not, it shows again.
func (d *Devices) Forget() {
	d.xids, d.Mismatch = nil, false
	d.failed, d.LastKnown = nil, evidence.GPUView{}
}

// LastSeen is the view in which the GPUs' own state was seen last: what the driver gave up
// then is not mended because nobody can see it now.
func (d *Devices) LastSeen() evidence.GPUView {
	if d.View.Known {
		return d.View
	}
	return d.LastKnown
}

// Troubled says that any device is known to have failed.
func (d *Devices) Troubled() bool { return len(d.xids)+len(d.failed) > 0 }

// Failed takes a view that is known, and names the devices that the driver has given up,
// or wants something done about, since the one before. A view that is not to be had takes
// nothing back.
func (d *Devices) Failed(view evidence.GPUView) (fresh []string) {
	before := d.failed
	d.failed = map[string]bool{}
	for _, g := range view.GPUs {
		if !g.Lost && !g.Advice.NeedsHost() {
			continue
		}
		d.failed[g.UUID] = true
		if !before[g.UUID] {
			fresh = append(fresh, g.UUID)
		}
	}
	return fresh
}

// Viewed takes a look at the GPUs; id is the container's ID, or empty where it is not
// the server.
func (d *Devices) Viewed(view evidence.GPUView, id string) {
	if view.Known {
		d.LastKnown = view
	}
	d.View = view
	if working(view, id) {
		d.WorkedAt = view.SeenAt
	}
	if !view.Known {
		d.ThrottledSince = time.Time{}
		d.Leak = Leak{}
		return
	}
	d.OwnSeen = d.OwnSeen || view.HeldBy(id) > 0
	d.sawClocks(view)
}

// sawClocks follows for how long the clocks have been held down, and why.
func (d *Devices) sawClocks(view evidence.GPUView) {
	var reasons []string
	for _, g := range view.GPUs {
		if g.ClockReasons == nil {
			continue
		}
		for _, reason := range evidence.Slowdowns(*g.ClockReasons) {
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
	}
	d.ThrottledBy = reasons
	switch {
	case len(reasons) == 0:
		d.ThrottledSince = time.Time{}
	case d.ThrottledSince.IsZero():
		d.ThrottledSince = view.SeenAt
	}
}

// busyPercent is what a GPU that evaluates a prompt or generates exceeds by
// far, and a desktop on the same card hardly reaches.
const busyPercent = 25

// working says that a GPU is at work on which the container holds memory, or
// might: where nobody tells who holds what, every GPU might be its.
func working(view evidence.GPUView, containerID string) bool {
	return slices.ContainsFunc(view.GPUs, func(g evidence.GPU) bool {
		if g.UtilizationPercent == nil || *g.UtilizationPercent < busyPercent {
			return false
		}
		foreign := slices.ContainsFunc(g.Processes, func(p evidence.GPUProcess) bool { return p.ContainerID != "" })
		ours := slices.ContainsFunc(g.Processes, func(p evidence.GPUProcess) bool { return p.ContainerID == containerID })
		return ours || !foreign
	})
}
