package simulation

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// requestCPU is what answering one request costs besides the model's work.
	requestCPU = 200 * time.Microsecond
	// logBytes is what one line of the log writes to the disk.
	logBytes = 120
)

// meter holds the counters of one run of the container.
type meter struct {
	at    time.Time // until when they are counted
	cpu   time.Duration
	rx    uint64
	tx    uint64
	read  float64
	write uint64
}

// settle counts what has been used since the last time. Every change of what
// the world does comes after a settle. w.mu is held.
func (w *World) settle() {
	now := time.Now()
	elapsed := now.Sub(w.meter.at)
	w.meter.at = now
	if w.server == nil {
		return
	}
	for _, r := range w.server.everyRunner() {
		if !r.working() {
			continue
		}
		// A slow world is one with a CPU limit: it works all the time and gets
		// a part of the time.
		w.meter.cpu += time.Duration(float64(elapsed) / w.slow)
		if r.loading {
			part := float64(elapsed) / float64(w.slowed(r.model.LoadTakes))
			w.meter.read += part * float64(r.model.Bytes)
			r.read = min(1, r.read+part)
		}
	}
}

// working says that the runner uses the CPU. A runner goes on loading while its
// server is frozen; one that generates soon waits for the server to read. Others
// than our clients keep an overloaded server's runners at work. world.mu is held.
func (r *runner) working() bool {
	w := r.server.world
	switch {
	case r.dead || !r.moving() || r.cutOff:
		return false
	case r.loading:
		return !w.loads.closed()
	case r.spinning:
		return true
	}
	return (r.busy > 0 || w.overloaded) && r.server.moving()
}

func (w *World) activity() evidence.Activity {
	return evidence.Activity{
		SeenAt: w.meter.at, CPU: w.meter.cpu, NetRx: w.meter.rx, NetTx: w.meter.tx,
		BlockRead: uint64(w.meter.read), BlockWrite: w.meter.write,
	}
}
