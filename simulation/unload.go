package simulation

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/pause"
)

// vramSettles is Ollama's first look at the GPU after an unload.
const vramSettles = 250 * time.Millisecond

// keep holds the runner until ctx ends. world.mu is held.
func (r *runner) keep(ctx context.Context) {
	s := r.server
	r.refs++
	s.world.spawn(func() {
		<-ctx.Done()
		if s.gate.pass(s.ctx) == nil { //nolint:contextcheck // ctx has ended; the gate lasts as long as the server
			s.release(r)
		}
	})
}

// release ends a request's hold on the runner.
func (s *server) release(r *runner) {
	s.world.change(func() {
		if r.refs--; r.refs > 0 {
			return
		}
		if r.session <= 0 || r.doomed {
			s.world.spawn(func() { s.unload(r) })
			return
		}
		r.expiresAt = s.world.now().Add(r.session)
		if r.session < forever {
			r.expiry = time.AfterFunc(r.session+r.offset, func() { s.expired(r) })
		}
	})
}

func (s *server) expired(r *runner) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.spawn(func() { s.unload(r) })
}

// evict unloads the runner once no request holds it. Until then a request with
// a keep_alive of its own undoes it. It waits for the runner's turn, so that a
// ping or a load delays it, and the answer to a keep_alive of 0 with it.
func (s *server) evict(r *runner) {
	if !r.take() {
		return
	}
	defer r.give()
	s.world.change(func() {
		r.session, r.expiresAt = 0, s.world.now()
		if r.expiry != nil {
			r.expiry.Stop()
			r.expiry = nil
		}
		if r.refs == 0 {
			s.world.spawn(func() { s.unload(r) })
		}
	})
}

// unload ends the runner's process unless a request has taken it meanwhile.
func (s *server) unload(r *runner) {
	if !r.take() {
		return
	}
	defer r.give()
	if s.gate.pass(s.ctx) != nil {
		return
	}
	if !s.mayEnd(r) || s.awaitDriver() != nil || !s.bury(r) {
		return
	}
	if s.world.config.GPUBytes > 0 && pause.For(s.ctx, vramSettles) != nil {
		return
	}
	select {
	case s.unloaded <- struct{}{}:
	default: // the loop has more of them waiting than it needs
	}
}

// mayEnd says that no request holds the runner. One that is held ends when it is
// released, and one that the server has forgotten does not.
func (s *server) mayEnd(r *runner) bool {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	r.doomed = r.refs > 0
	return !r.doomed && !r.orphan
}

// bury ends the runner's process and takes it from the list; false when it was
// not there. A pending loop that waited for the last one is free again.
func (s *server) bury(r *runner) (listed bool) {
	s.world.change(func() {
		r.die()
		if listed = s.loaded[r.model.digest] == r; listed {
			delete(s.loaded, r.model.digest)
		}
		if len(s.loaded) == 0 {
			s.loop.set(false)
		}
	})
	return listed
}
