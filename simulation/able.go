package simulation

import (
	"errors"
	"fmt"

	"github.com/clawdbot/clawgate/evidence"
)

var (
	errSilent   = errors.New("the server's process does not answer")
	errStuck    = errors.New("the server waits and places no request")
	errNoSlot   = errors.New("its runner has no free slot")
	errNoAnswer = errors.New("its runner does not answer")
	errInUse    = errors.New("what would have to go is in use")
)

// Able says why a request for the model that came now would not be answered: nil
// while its runner can answer and has a free slot, or it would be loaded. As
// [World.Serving] it looks at the world itself.
func (w *World) Able(model string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.answering(); err != nil {
		return err
	}
	m := w.find(model)
	if m == nil || m.Missing {
		return fmt.Errorf("there is no model called %q", model)
	}
	s := w.server
	r := s.loaded[m.digest]
	if err := w.unread(m); err != nil && (r == nil || w.flaws[m.digest].damage != Half) {
		return err
	}
	flaws := w.flaws[m.digest]
	switch {
	case flaws.poisoned, flaws.hollow != nil:
		return errNoAnswer
	case r == nil || r.dead || r.loading:
		return s.loadable(m)
	case r.model.sameFiles(m) && r.options.same(m.options(&request{}, w.release)):
		return s.free(r)
	case r.refs > 0:
		return errInUse
	}
	return s.loadable(m)
}

// answering says why the server's process answers nobody. w.mu is held.
func (w *World) answering() error {
	s := w.server
	switch {
	case s == nil || !s.listening:
		return ErrNotRunning
	case !s.moving() || s.discovery.closed() || w.driver.closed() || w.container.status == evidence.Paused:
		return errSilent
	case w.overloaded:
		return errBusy
	case s.placing && !w.release.modern() && !s.loop.closed(): // else a loaded model is served past it
		return errStuck
	}
	return nil
}

// free says why a loaded runner serves no further request. world.mu is held.
func (s *server) free(r *runner) error {
	switch {
	case r.frozen || r.spinning || r.cutOff || r.held && r.session <= 0:
		return errNoAnswer
	case r.busy >= cap(r.slots):
		return errNoSlot
	}
	return nil
}

// loadable says why a load of the model would not succeed. world.mu is held.
func (s *server) loadable(m *model) error {
	w := s.world
	switch {
	case s.loop.closed() || s.placing:
		return errStuck
	case w.loads.closed():
		return errors.New("loads stand still")
	case w.flaws[m.digest].tooLarge || s.gpu && w.beside() > 0 && w.beside()+uint64(m.Bytes) > w.config.GPUBytes:
		return errors.New("it does not fit into the memory")
	case s.gpu && w.gpu.lost:
		return errors.New("the GPU is lost")
	case !w.adapted(m):
		return errors.New("its adapter is broken")
	}
	return s.roomFor(m)
}

// roomFor says why no room is made for the model: too many or too large ones are in
// use. world.mu is held.
func (s *server) roomFor(m *model) error {
	stay, bytes := 0, s.world.beside()
	for _, r := range s.loaded {
		if r.refs > 0 {
			stay++
			bytes += uint64(r.model.Bytes)
		}
	}
	if stay >= s.world.config.MaxLoaded || s.gpu && bytes > 0 && bytes+uint64(m.Bytes) > s.world.config.GPUBytes {
		return errInUse
	}
	return nil
}
