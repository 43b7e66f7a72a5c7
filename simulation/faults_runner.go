package simulation

import (
	"maps"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
)

// SpinRunner makes the runner of every loaded model burn a CPU and the whole GPU
// and make no token (F1). The server answers, lists the model, and its question
// whether the runner lives is answered too. It ends with ThawRunner or with the
// runner's process; an unload ends an idle one.
func (w *World) SpinRunner() error { return w.runners(func(r *runner) { r.spinning = !r.loading }) }

// StickRunner gives each loaded runner a request that never ends (F3). It shows
// after the next unload: expires_at lies in the past, /api/ps goes on listing the
// model, and requests for it wait. Nothing is used meanwhile, and tags and version
// answer. Only the end of the runner's process releases it.
func (w *World) StickRunner() error {
	return w.runners(func(r *runner) {
		r.held = true
		r.keep(r.ctx)
	})
}

// OrphanRunner makes the server forget every loaded runner (F15): /api/ps does
// not list it, and the process keeps its GPU memory until the container ends.
// The next request loads the model once more, where that fits.
func (w *World) OrphanRunner() error {
	return w.runners(func(r *runner) {
		if r.expiry != nil {
			r.expiry.Stop()
		}
		r.orphan = true
		delete(r.server.loaded, r.model.digest)
		r.server.orphans = append(r.server.orphans, r)
	})
}

// KillRunnerForMemory has the kernel kill the runner of every loaded model (F24).
// The container runs on, and says OOMKilled until its next start.
func (w *World) KillRunnerForMemory() error {
	err := w.runners((*runner).die)
	if err == nil {
		w.change(func() {
			w.container.oomKilled = true
			w.emit(evidence.ContainerEvent{Action: evidence.ActionOOM})
		})
	}
	return err
}

// everyRunner are the runners whose processes live, with those that the server
// has forgotten, in a fixed order. world.mu is held.
func (s *server) everyRunner() []*runner {
	if s == nil {
		return nil
	}
	var alive []*runner
	for _, digest := range slices.Sorted(maps.Keys(s.loaded)) {
		alive = append(alive, s.loaded[digest])
	}
	return slices.DeleteFunc(append(alive, s.orphans...), func(r *runner) bool { return r.dead })
}
