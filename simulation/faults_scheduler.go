package simulation

import (
	"context"
	"time"
)

// DeadlockScheduler stops the server's pending loop for ever (F2,
// ollama/ollama#17408): requests for a model that is not loaded, or with other
// options, get no byte, while a loaded model is served, and tags, version and ps
// answer. Nothing moves for those that wait. It ends when every loaded model was
// unloaded, or with the process. It needs a loaded model.
func (w *World) DeadlockScheduler() error {
	err := ErrNoRunner
	w.change(func() {
		if w.server != nil && len(w.server.loaded) > 0 {
			w.server.loop.set(true)
			err = nil
		}
	})
	return err
}

// Overload makes the server refuse inference with its 503 "server busy" (F8),
// as it does while others overfill its queue: the loaded models work all the
// time, and what runs goes on. Lists and unloads are answered.
func (w *World) Overload(on bool) { w.change(func() { w.overloaded = on }) }

// PsCrashes has the server die of each GET /api/ps that meets a load (F24,
// ollama/ollama#15528), as a release before 0.32.4 seldom does: it walks its list
// of runners while that changes. The client is cut off without an answer. While it
// is off, such a poll is answered at once. Later releases have it wait for the
// load, whatever is set here.
func (w *World) PsCrashes(on bool) { w.change(func() { w.psCrashes = on }) }

// loadStall is how long Ollama waits for a load that makes no progress.
const loadStall = 5 * time.Minute

// StallLoads makes loads stand still (F10): no CPU, no disk, no GPU memory, while
// the server answers all else. It ends when turned off; each load gives up by
// itself after Ollama's five minutes, with a 500 "timed out waiting for …".
func (w *World) StallLoads(on bool) { w.change(func() { w.loads.set(on) }) }

// flows waits while loads stand still.
func (r *runner) flows(ctx context.Context) error {
	w := r.server.world
	ctx, cancel := r.join(ctx)
	defer cancel()
	limit, done := context.WithTimeout(ctx, loadStall+r.offset)
	defer done()
	switch err := w.loads.pass(limit); {
	case err == nil:
		return nil
	case r.ctx.Err() != nil:
		return w.release.terminated("signal: killed")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.release.stalled(r.read)
}

// bypass serves a request for a loaded model past the pending loop, as newer
// servers do and as all do here while the loop is stuck.
func (s *server) bypass(a *ask) bool {
	if !s.world.release.modern() && !s.loop.closed() {
		return false
	}
	r := s.runnerOf(a.model)
	if r == nil || r == s.loading() || !s.usable(r, a) {
		return false
	}
	s.grant(r, a)
	return true
}
