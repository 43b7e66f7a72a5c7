package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

// Docker's restart policy waits before each restart, twice as long each time,
// and begins anew after a run of some length (moby, restartmanager).
const (
	firstBackoff  = 100 * time.Millisecond
	longestPause  = time.Minute
	backoffResets = 10 * time.Second

	sigKill = 137 // exit code of a process that SIGKILL ended
	goPanic = 2   // and of a Go program that panicked
)

// Stop ends the container that was judged: SIGTERM, and SIGKILL after timeout.
// evidence.ErrChanged and evidence.ErrPaused, here and below, say that nothing was
// done; a container that does not run is no longer what was judged. It goes on in
// the engine when ctx ends first.
func (w *World) Stop(ctx context.Context, judged evidence.Identity, timeout time.Duration) error {
	return w.write(ctx, "stop", judged, true, func() error { return w.stop(timeout) })
}

// Start starts the container that was judged; one that runs is left alone.
func (w *World) Start(ctx context.Context, judged evidence.Identity) error {
	return w.write(ctx, "start", judged, false, w.start)
}

// Restart stops and starts the container that was judged.
func (w *World) Restart(ctx context.Context, judged evidence.Identity, timeout time.Duration) error {
	return w.write(ctx, "restart", judged, true, func() error {
		if err := w.stop(timeout); err != nil {
			return err
		}
		return w.start()
	})
}

// write makes one change through the engine, if the container is still what was
// judged, and up where it has to be.
func (w *World) write(ctx context.Context, doing string, judged evidence.Identity, up bool, act func() error) error {
	return w.ask(ctx, doing, act, func(c container) error {
		switch {
		case c.status == evidence.Absent, c.id != judged.ID, !c.startedAt.Equal(judged.StartedAt):
			return evidence.ErrChanged
		case c.status == evidence.Paused:
			return evidence.ErrPaused
		case up && c.status != evidence.Running && c.status != evidence.Restarting:
			return evidence.ErrChanged
		}
		return nil
	})
}

// ask has the engine act, one caller at a time, unless refuse objects. It
// returns when the act is done or ctx ends; the act goes on then.
func (w *World) ask(ctx context.Context, doing string, act func() error, refuse func(container) error) error {
	if err := w.dawdle(ctx); err != nil {
		return w.failed(doing, notSent(err))
	}
	select {
	case w.writes <- struct{}{}:
	case <-ctx.Done():
		return w.failed(doing, notSent(ctx.Err()))
	}
	done, err := w.begin(act, refuse)
	if err != nil {
		<-w.writes
		return w.failed(doing, notSent(err))
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return w.failed(doing, err)
	}
	return nil
}

func notSent(err error) error { return fmt.Errorf("%w: %w", evidence.ErrNotSent, err) }

// begin starts an act that ends the caller's turn, unless it may not be done.
func (w *World) begin(act func() error, refuse func(container) error) (done <-chan error, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err = refuse(w.container)
	switch {
	case w.engineAway:
		err = ErrEngineAway
	case w.ctx == nil || w.closed:
		err = ErrNotRunning
	}
	if err != nil {
		return nil, err
	}
	result := make(chan error, 1)
	w.spawn(func() {
		defer func() { <-w.writes }()
		result <- act()
	})
	return result, nil
}

// stop is the engine's stop: a frozen process lives until the timeout, and one
// that the driver holds beyond it.
func (w *World) stop(timeout time.Duration) error {
	w.mu.Lock()
	w.container.byHand = true
	if w.container.status == evidence.Restarting { // the policy's next try is called off
		w.container.status = evidence.Exited
	}
	server, ctx := w.server, w.ctx
	if server == nil {
		w.mu.Unlock()
		return nil
	}
	w.emit(evidence.ContainerEvent{Action: evidence.ActionKill, Signal: "15"})
	takes := w.config.StopTakes + w.stagger()
	w.mu.Unlock()

	grace, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	code := 0
	if server.ends(grace) != nil || pause.For(grace, takes) != nil {
		code = sigKill
		w.change(func() { w.emit(evidence.ContainerEvent{Action: evidence.ActionKill, Signal: "9"}) })
	}
	if err := w.kill(ctx, server, code); err != nil {
		return err
	}
	w.change(func() { w.emit(evidence.ContainerEvent{Action: evidence.ActionStop}) })
	return nil
}

// start is the engine's start. The process is there at once and listens later.
func (w *World) start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server != nil || w.closed || w.container.status == evidence.Absent {
		return nil
	}
	if err := w.reject(); err != nil {
		return err
	}
	w.container.byHand = false
	server, silence := w.launch(), w.silence
	server.discovery.set(silence > 0)
	takes := w.config.StartTakes + w.stagger()
	w.spawn(func() {
		if pause.For(server.ctx, takes) == nil && server.gate.pass(server.ctx) == nil {
			server.listen()
		}
		if silence > 0 && pause.For(server.ctx, silence) == nil {
			server.discovered()
		}
	})
	return nil
}

// started notes the start of a process. w.mu is held.
func (w *World) started() {
	w.settle()
	w.meter = meter{at: time.Now()}
	c := &w.container
	c.status, c.startedAt, c.ran, c.exitCode = evidence.Running, w.now(), time.Now(), 0
	c.oomKilled, c.startError, c.hint = false, "", evidence.GPUHintUnknown
	if w.address.moves {
		w.address = address{last: w.address.last + 1}
	}
	w.emit(evidence.ContainerEvent{Action: evidence.ActionStart})
}

// exit ends the server's process and with it the container's run. The restart
// policy brings it back unless somebody wanted it down. While the driver holds a
// process of it, the container stays.
func (w *World) exit(server *server, code int) {
	w.mu.Lock()
	stays := w.unkillable(server) && !w.closed
	w.mu.Unlock()
	if stays {
		server.fall()
		return
	}
	server.die()
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &w.container
	if w.server != nil || w.closed || c.status != evidence.Running && c.status != evidence.Paused {
		return
	}
	ran := time.Since(c.ran)
	c.status, c.finishedAt, c.exitCode = evidence.Exited, w.now(), code
	w.emit(evidence.ContainerEvent{Action: evidence.ActionDie, ExitCode: code})
	if c.byHand {
		return
	}
	c.backoff = min(2*c.backoff, longestPause)
	if c.backoff == 0 || ran >= backoffResets {
		c.backoff = firstBackoff
	}
	c.status = evidence.Restarting
	was, after := c.identity(), c.backoff+w.stagger()
	w.spawn(func() { w.bringBack(was, after) })
}

// bringBack is the restart policy's next try, once the engine is there.
func (w *World) bringBack(was evidence.Identity, after time.Duration) {
	if pause.For(w.ctx, after) != nil {
		return
	}
	w.awaitEngine()
	w.mu.Lock()
	due := w.container.identity() == was && w.container.status == evidence.Restarting
	if due {
		w.container.restarts++
	}
	w.mu.Unlock()
	if due {
		_ = w.start() // the policy does not try again
	}
}

// awaitEngine waits while the engine is away: the policy is the engine's.
func (w *World) awaitEngine() {
	for {
		w.mu.Lock()
		away, changed := w.engineAway, w.changed
		w.mu.Unlock()
		if !away {
			return
		}
		select {
		case <-changed:
		case <-w.ctx.Done():
			return
		}
	}
}
