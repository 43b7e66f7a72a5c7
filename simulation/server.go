package simulation

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/clawdbot/clawgate/evidence"
)

// server is one process of the Ollama server: PID 1 of one run of the container.
type server struct {
	world *World
	pid   int
	ctx   context.Context // ends with the process
	end   context.CancelFunc
	gate  *gate
	loop  *gate // closed while the pending loop is deadlocked
	list  *gate // closed while Ollama has its list of runners locked
	// discovery is closed while the server looks for GPUs: it listens already.
	discovery *gate
	http      *http.Server
	pipes     *pipeListener
	once      sync.Once

	pending  chan *ask     // requests to be placed on a runner
	unloaded chan struct{} // a runner has gone

	// Guarded by world.mu.
	frozen    bool
	listening bool
	placing   bool               // the pending loop has a request, and no time for another
	loaded    map[string]*runner // by the digest of the weights
	orphans   []*runner          // that it has forgotten
	gpu       bool               // found one at its start, and has not lost it
	leaked    uint64             // bytes of the GPU
	killed    bool               // and held up by the driver
}

// launch starts the process; it does not listen yet. w.mu is held.
func (w *World) launch() *server {
	s := &server{
		world: w, pid: w.nextPID(), gate: newGate(), pipes: newPipeListener(),
		pending: make(chan *ask, w.config.MaxQueue), unloaded: make(chan struct{}, w.config.MaxQueue),
		loaded: map[string]*runner{}, loop: newGate(), list: newGate(), discovery: newGate(),
		gpu: w.config.GPUBytes > 0 && !w.gpu.withheld && !w.gpu.lost,
	}
	s.ctx, s.end = context.WithCancel(w.ctx)
	s.http = &http.Server{ //nolint:gosec // Ollama has no header timeout either
		Handler:     http.HandlerFunc(s.serve),
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return s.ctx },
	}
	w.server = s
	w.started()
	w.spawn(s.schedule)
	return s
}

// listen opens the server for connections.
func (s *server) listen() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.ctx.Err() != nil || s.listening {
		return
	}
	s.listening = true
	s.world.logInfo("routes.go:1288", `msg="Listening on [::]:11434 (version `+s.world.config.Version+`)"`)
	if !s.discovery.closed() {
		s.found()
	}
	s.world.spawn(func() { _ = s.http.Serve(s.pipes) })
	s.world.announce()
}

// discovered ends the server's search for GPUs, for which it is silent.
func (s *server) discovered() {
	s.world.change(func() {
		s.discovery.set(false)
		s.found()
	})
}

// moving says that the process is not frozen. world.mu is held.
func (s *server) moving() bool { return !s.frozen && s.world.container.status != evidence.Paused }

// refreeze brings the gates of all processes to what the state says. world.mu
// is held.
func (s *server) refreeze() {
	s.gate.set(!s.moving())
	for _, r := range s.everyRunner() {
		r.reopen()
	}
}

// die ends the process at once and cuts its connections. The connections go
// first, so that no answer ends as if it were complete.
func (s *server) die() {
	s.close()
	s.world.change(func() {
		for _, r := range s.everyRunner() {
			r.die()
		}
		s.listening = false
		if s.world.server == s {
			s.world.server = nil
		}
		s.world.announce()
	})
	s.end()
}

func (s *server) close() {
	s.once.Do(func() {
		_ = s.http.Close()
		_ = s.pipes.Close()
	})
}

// announce wakes who waits for a server to listen or to end. w.mu is held.
func (w *World) announce() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// ServeHTTP answers as the running server does, for callers that bring their
// own listener. While there is no server it cuts the connection.
func (w *World) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	s := w.server
	up := s != nil && s.listening
	w.mu.Unlock()
	if !up {
		panic(http.ErrAbortHandler)
	}
	s.serve(rw, r)
}
