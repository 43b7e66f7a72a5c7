package simulation

import (
	"context"
	"errors"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

// StickDriver puts the runners into the driver's uninterruptible sleep (F4). They
// make no token and use nothing. tags and version answer; ps too, until an unload
// waits for such a runner, from when on ps and inference of all models hang. A
// stop of the container runs past its SIGKILL: the engine gives up with an error
// and goes on reporting the container as running, though nothing listens. Turned
// off, the runners go on, and what was killed meanwhile ends.
func (w *World) StickDriver(on bool) {
	var killed *server
	w.change(func() {
		w.driver.set(on)
		w.refreeze()
		if !on && w.server != nil && w.server.killed {
			killed = w.server
		}
	})
	if killed != nil {
		w.exit(killed, sigKill)
	}
}

// unkillable says that a process of the container is in the driver's hands, so
// that the container cannot end. w.mu is held.
func (w *World) unkillable(s *server) bool {
	return w.driver.closed() && len(s.everyRunner()) > 0
}

// awaitDriver waits for a runner that was killed. Ollama has its list of runners
// locked meanwhile.
func (s *server) awaitDriver() error {
	if !s.world.driver.closed() {
		return nil
	}
	s.list.set(true)
	defer s.list.set(false)
	return s.world.driver.pass(s.ctx)
}

// fall is what a killed server does whose runners do not die: it closes its
// connections and stays.
func (s *server) fall() {
	s.close()
	s.world.change(func() {
		s.listening = false
		s.killed = true
		s.world.announce()
	})
	s.end()
}

// ends waits until the server's process, and its runners', heed a SIGTERM.
func (s *server) ends(grace context.Context) error {
	w := s.world
	w.mu.Lock()
	held, missed := w.unkillable(s), w.engine.noExits
	w.mu.Unlock()
	switch {
	case missed:
		<-grace.Done()
		return grace.Err()
	case held:
		return errors.Join(w.driver.pass(grace), s.gate.pass(grace))
	}
	return s.gate.pass(grace)
}

// kill ends the container, or finds after a while that it did not end.
func (w *World) kill(ctx context.Context, s *server, code int) error {
	w.mu.Lock()
	missed := w.engine.noExits
	w.mu.Unlock()
	if !missed {
		w.exit(s, code)
	}
	if w.outlives(s) {
		_ = pause.For(ctx, givesUp) // the exit may come late
	}
	if w.outlives(s) {
		return errNoExit
	}
	return nil
}

// outlives says that the container is there as before its end was asked for.
func (w *World) outlives(s *server) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server == s && (w.container.status == evidence.Running || w.container.status == evidence.Paused)
}
