package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// dockerStop is how long `docker stop` lets a container end by itself.
const dockerStop = 10 * time.Second

// OperatorStop is `docker stop` by a person.
func (w *World) OperatorStop(ctx context.Context) error {
	return w.ask(ctx, "stop", func() error { return w.stop(dockerStop) }, unlessAbsent)
}

// OperatorKill is `docker kill`. The engine takes it for a person's stop, so
// that the restart policy does nothing.
func (w *World) OperatorKill(ctx context.Context) error {
	return w.ask(ctx, "kill", func() error {
		var server *server
		w.change(func() {
			server = w.server
			w.container.byHand = true
			w.emit(evidence.ContainerEvent{Action: evidence.ActionKill, Signal: "9"})
		})
		if server != nil {
			w.exit(server, sigKill)
		}
		return nil
	}, running)
}

// OperatorPause is `docker pause`: from outside it looks like a frozen server.
func (w *World) OperatorPause(ctx context.Context) error {
	return w.ask(ctx, "pause", func() error {
		w.change(func() {
			w.container.status = evidence.Paused
			w.refreeze()
			w.emit(evidence.ContainerEvent{Action: evidence.ActionPause})
		})
		return nil
	}, running)
}

// OperatorUnpause is `docker unpause`.
func (w *World) OperatorUnpause(ctx context.Context) error {
	return w.ask(ctx, "unpause", func() error {
		w.change(func() {
			w.container.status = evidence.Running
			w.refreeze()
			w.emit(evidence.ContainerEvent{Action: evidence.ActionResume})
		})
		return nil
	}, func(c container) error {
		if c.status != evidence.Paused {
			return fmt.Errorf("it is %s, not paused", c.status)
		}
		return nil
	})
}

// OperatorStart is `docker start`.
func (w *World) OperatorStart(ctx context.Context) error {
	return w.ask(ctx, "start", w.start, unlessAbsent)
}

// OperatorRemove is `docker rm --force`.
func (w *World) OperatorRemove(ctx context.Context) error {
	return w.ask(ctx, "remove", w.remove, unlessAbsent)
}

// OperatorRecreate makes the container again under its name, as `docker compose
// up --force-recreate` does, and starts it. The models stay: they are in a
// volume.
func (w *World) OperatorRecreate(ctx context.Context) error {
	return w.ask(ctx, "recreate", func() error {
		if err := w.remove(); err != nil {
			return err
		}
		w.change(func() {
			w.container = w.newContainer()
			w.emit(evidence.ContainerEvent{Action: evidence.ActionCreate})
		})
		return w.start()
	}, func(container) error { return nil })
}

func (w *World) remove() error {
	var server *server
	w.change(func() {
		server = w.server
		w.container.byHand = true
	})
	if server != nil {
		w.exit(server, sigKill)
		if w.outlives(server) {
			return errNoExit
		}
	}
	w.change(func() {
		if w.container.status == evidence.Absent {
			return
		}
		w.emit(evidence.ContainerEvent{Action: evidence.ActionRemove})
		w.container = container{status: evidence.Absent}
	})
	return nil
}

func unlessAbsent(c container) error {
	if c.status == evidence.Absent {
		return ErrAbsent
	}
	return nil
}

func running(c container) error {
	if c.status != evidence.Running {
		return ErrNotRunning
	}
	return nil
}

// refreeze applies a pause or a freeze to the processes. w.mu is held.
func (w *World) refreeze() {
	if w.server != nil {
		w.server.refreeze()
	}
}
