package simulation

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/clawdbot/clawgate/pause"
)

const (
	pingTimeout = 10 * time.Second       // Ollama asks a runner before it reuses it
	reschedule  = 250 * time.Millisecond // it looks again while another model loads
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
	if err := s.enqueue(a); err != nil { //nolint:contextcheck // a ping belongs to the runner, not to the request
		return nil, err
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

// enqueue gives the request to the pending loop, or past it.
func (s *server) enqueue(a *ask) error {
	s.world.mu.Lock()
	refuses := s.world.overloaded
	s.world.mu.Unlock()
	if refuses {
		return errBusy
	}
	if s.bypass(a) {
		return nil
	}
	select {
	case s.pending <- a:
		return nil
	default:
		return errBusy
	}
}

// schedule places the requests one after the other. It is Ollama's pending
// loop: a ping or an unload that takes its time holds up every request that
// comes after, for any model.
func (s *server) schedule() {
	for {
		select {
		case a := <-s.pending:
			s.places(true)
			s.place(a)
			s.places(false)
		case <-s.unloaded: // nobody waited for it
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *server) places(placing bool) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.placing = placing
}

func (s *server) place(a *ask) {
	for a.ctx.Err() == nil && s.loop.pass(s.ctx) == nil && s.gate.pass(s.ctx) == nil {
		r := s.runnerOf(a.model)
		if r != nil && s.usable(r, a) {
			s.grant(r, a)
			return
		}
		if r == nil {
			if s.loading() != nil {
				s.later(a)
				return
			}
			err := s.unread(a.model)
			if r = s.victim(a.model, err != nil); r == nil && err != nil {
				a.failed <- err
				return
			}
			if r == nil {
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

// usable says whether the runner answers a ping, has the wanted options, and is
// not to end. A frozen runner costs the whole ping timeout.
func (s *server) usable(r *runner, a *ask) bool {
	if !r.take() {
		return false
	}
	defer r.give()
	ctx, cancel := context.WithTimeout(r.ctx, pingTimeout)
	defer cancel()
	return !r.unfit() && r.model.sameFiles(a.model) && r.options.same(a.options) && r.health.pass(ctx) == nil
}

// unfit says that the load has failed and the runner is about to go, or that it
// was told to end and is held for ever. The caller has the runner's turn.
func (r *runner) unfit() bool {
	r.server.world.mu.Lock()
	defer r.server.world.mu.Unlock()
	return r.loading || r.held && r.session <= 0
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

// loading is a runner that loads its model, or nil.
func (s *server) loading() *runner {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	for _, r := range s.loaded {
		if r.loading && !r.dead {
			return r
		}
	}
	return nil
}

func (s *server) later(a *ask) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.spawn(func() {
		if pause.For(s.ctx, reschedule) != nil {
			return
		}
		select {
		case s.pending <- a:
		case <-a.ctx.Done():
		case <-s.ctx.Done():
		}
	})
}

func (s *server) unread(m *model) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.world.unread(m)
}

// victim returns the runner to unload before the model fits, or nil. For one whose
// file cannot be read, Ollama makes room in the list alone before it finds out.
func (s *server) victim(m *model, unread bool) *runner {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var victim *runner
	for _, r := range s.loaded {
		if victim == nil || r.before(victim) {
			victim = r
		}
	}
	if (unread || s.fits(m)) && len(s.loaded) < s.world.config.MaxLoaded {
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
		if r.expiry != nil {
			r.expiry.Stop()
			r.expiry = nil
		}
		if a.keepAlive != nil {
			r.session = *a.keepAlive
		}
		a.granted <- r
		r.keep(a.ctx)
	})
}
