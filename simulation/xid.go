package simulation

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// xidWatcher is one open subscription.
type xidWatcher struct {
	queue []evidence.Xid // guarded by World.mu
	wake  chan struct{}  // holds one token while the queue is not empty
}

// Xids reports the driver's errors until ctx ends, as the GPU adapter does:
// those from before are not among them.
func (w *World) Xids(ctx context.Context, report func(evidence.Xid)) {
	x := &xidWatcher{wake: make(chan struct{}, 1)}
	w.mu.Lock()
	w.gpu.watchers[x] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.gpu.watchers, x)
		w.mu.Unlock()
	}()
	for {
		select {
		case <-x.wake:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		raised := x.queue
		x.queue = nil
		w.mu.Unlock()
		for _, xid := range raised {
			report(xid)
		}
	}
}

// RaiseXid makes the driver report an error (F16, F17). What an error of that
// kind does is switched on apart: KillRunner, LoseDevice, Advise.
func (w *World) RaiseXid(code uint64) {
	w.change(func() {
		for x := range w.gpu.watchers {
			x.queue = append(x.queue, evidence.Xid{At: time.Now(), GPU: gpuUUID, Code: code})
			select {
			case x.wake <- struct{}{}:
			default:
			}
		}
	})
}
