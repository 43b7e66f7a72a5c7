package simulation

import (
	"context"
	"errors"
	"math"
	"time"
)

const (
	pingTimeout = 10 * time.Second       // Ollama asks a runner before it reuses it
	reschedule  = 250 * time.Millisecond // it looks again while another model loads
	vramSettles = 250 * time.Millisecond // its first look at the GPU after an unload
	forever     = time.Duration(math.MaxInt64)
)

var errBusy = errors.New("server busy, please try again.  maximum pending requests exceeded")

// ask is a request that wants a runner. Its ctx ends with the request, and so
// does its hold on the runner.
type ask struct {
	ctx       context.Context
	model     *model
	options   runnerOptions
	keepAlive *time.Duration
	granted   chan *runner
	failed    chan error
}

// acquire queues for a runner of the model and waits until it is loaded. The
// runner is held until ctx ends.
func (s *server) acquire(ctx context.Context, m *model, options runnerOptions, keepAlive *time.Duration) (*runner, error) {
	a := &ask{ctx, m, options, keepAlive, make(chan *runner, 1), make(chan error, 1)}
	select {
	case s.pending <- a:
	default:
		return nil, errBusy
	}
	select {
	case r := <-a.granted:
		return r, nil
	case err := <-a.failed:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// schedule places the requests one after the other. It is Ollama's pending
// loop: a ping or an unload that takes its time holds up every request that
// comes after, for any model.
func (s *server) schedule() {
	for {
		select {
		case a := <-s.pending:
			s.place(a)
		case <-s.unloaded: // nobody waited for it
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *server) place(a *ask) {
	for a.ctx.Err() == nil && s.gate.pass(s.ctx) == nil {
		r := s.runnerOf(a.model)
		if r != nil && s.usable(r, a) {
			s.grant(r, a)
			return
		}
		if r == nil {
			if s.othersLoad() {
				s.later(a)
				return
			}
			if r = s.victim(a.model); r == nil {
				s.begin(a)
				return
			}
		}
		s.evict(r)
		select {
		case <-s.unloaded:
		case <-s.ctx.Done():
		}
	}
}

func (s *server) runnerOf(m *model) *runner {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.loaded[m.digest]
}

// usable says whether the runner answers a ping and has the wanted options. A
// frozen runner costs the whole ping timeout.
func (s *server) usable(r *runner, a *ask) bool {
	if !r.take() {
		return false
	}
	defer r.give()
	ctx, cancel := context.WithTimeout(r.ctx, pingTimeout)
	defer cancel()
	return r.options.same(a.options) && r.gate.pass(ctx) == nil
}

// take waits for the runner's turn; false when the server ended.
func (r *runner) take() bool {
	select {
	case r.turn <- struct{}{}:
		return true
	case <-r.server.ctx.Done():
		return false
	}
}

func (r *runner) give() { <-r.turn }

func (s *server) othersLoad() bool {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	for _, r := range s.loaded {
		if r.loading && !r.dead {
			return true
		}
	}
	return false
}

func (s *server) later(a *ask) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.spawn(func() {
		if sleep(s.ctx, reschedule) != nil {
			return
		}
		select {
		case s.pending <- a:
		case <-a.ctx.Done():
		case <-s.ctx.Done():
		}
	})
}

// victim returns the runner to unload before the model fits, or nil.
func (s *server) victim(m *model) *runner {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var used int64
	var victim *runner
	for _, r := range s.loaded {
		used += r.model.Bytes
		if victim == nil || r.before(victim) {
			victim = r
		}
	}
	fits := s.world.config.GPUBytes == 0 || uint64(used+m.Bytes) <= s.world.config.GPUBytes
	if fits && len(s.loaded) < s.world.config.MaxLoaded {
		return nil
	}
	return victim
}

// before says that r goes first: an idle one, then that with the shorter
// session. The process number settles ties, so that a seed repeats itself.
func (r *runner) before(other *runner) bool {
	switch {
	case (r.refs == 0) != (other.refs == 0):
		return r.refs == 0
	case r.session != other.session:
		return r.session < other.session
	}
	return r.pid < other.pid
}

// begin starts a runner for the request and loads the model, beside the loop.
func (s *server) begin(a *ask) {
	s.world.change(func() {
		r := s.newRunner(a)
		r.turn <- struct{}{}
		s.world.spawn(func() {
			err := r.load(a.ctx)
			if s.gate.pass(s.ctx) == nil && err == nil {
				s.hold(r, a)
			}
			r.give()
			if err != nil {
				a.failed <- err
				s.unload(r)
			}
		})
	})
}

// grant gives a loaded runner to the request.
func (s *server) grant(r *runner, a *ask) {
	if r.take() {
		s.hold(r, a)
		r.give()
	}
}

func (s *server) hold(r *runner, a *ask) {
	s.world.change(func() {
		r.refs++
		if r.expiry != nil {
			r.expiry.Stop()
			r.expiry = nil
		}
		if a.keepAlive != nil {
			r.session = *a.keepAlive
		}
		a.granted <- r
		s.world.spawn(func() {
			<-a.ctx.Done()
			if s.gate.pass(s.ctx) == nil {
				s.release(r)
			}
		})
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
		r.expiresAt = time.Now().Add(r.session)
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
		r.session, r.expiresAt = 0, time.Now()
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
	gone := false
	s.world.change(func() {
		if r.doomed = r.refs > 0; r.doomed {
			return
		}
		r.die()
		if gone = s.loaded[r.model.digest] == r; gone {
			delete(s.loaded, r.model.digest)
		}
	})
	if !gone {
		return
	}
	if s.world.config.GPUBytes > 0 && sleep(s.ctx, vramSettles) != nil {
		return
	}
	select {
	case s.unloaded <- struct{}{}:
	default: // the loop has more of them waiting than it needs
	}
}
