package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

// What Ollama says of a runner that died, before the first token and after it.
var (
	errUnexpected = errors.New("model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details")
	errCut        = errors.New("an error was encountered while running the model: unexpected EOF")
)

// runner is the child process that holds one model in memory.
type runner struct {
	server  *server
	pid     int
	model   *model
	options runnerOptions
	offset  time.Duration   // the actor's own
	ctx     context.Context // ends with the process
	end     context.CancelFunc
	gate    *gate // of its work
	health  *gate // of its answer to Ollama's ping
	slots   chan struct{}
	// turn is held by whoever loads, pings, grants or unloads the runner:
	// Ollama's refMu, which it holds for as long as a load or a ping takes.
	// A channel, because a goroutine that waits for a mutex stops virtual time.
	turn chan struct{}

	// Guarded by world.mu.
	loading   bool
	read      float64 // part of the weights that is in memory
	onGPU     bool
	frozen    bool
	spinning  bool
	cutOff    bool // from a GPU that is lost
	held      bool // by a request that never ends
	orphan    bool // the server has forgotten it
	dead      bool // the process is gone; the server may not have noticed
	refs      int  // requests that hold it
	busy      int  // of those, how many have a slot
	session   time.Duration
	expiresAt time.Time // zero until it was idle for the first time
	doomed    bool      // to be unloaded as soon as no request holds it
	expiry    *time.Timer
}

// newRunner starts the process for a request; it has loaded nothing yet.
// world.mu is held.
func (s *server) newRunner(a *ask) *runner {
	r := &runner{
		server: s, pid: s.world.nextPID(), model: a.model, options: maps.Clone(a.options), gate: newGate(), health: newGate(),
		slots: make(chan struct{}, s.slotsOf(a.model)), turn: make(chan struct{}, 1),
		offset: s.world.stagger(), loading: true, session: s.world.config.KeepAlive, onGPU: s.gpu,
	}
	if a.keepAlive != nil {
		r.session = *a.keepAlive
	}
	r.reopen()
	r.ctx, r.end = context.WithCancel(s.ctx)
	s.loaded[a.model.digest] = r
	return r
}

// slotsOf is how many requests a runner of the model serves at once: of one that
// embeds a single one, whatever the server is set to (server/sched.go).
func (s *server) slotsOf(m *model) int {
	if m.Embeds {
		return 1
	}
	return s.world.config.Parallel
}

// contextSize is one slot's; what is no number counts as Ollama's default.
func (r *runner) contextSize() int {
	if size, err := strconv.Atoi(r.options["num_ctx"]); err == nil {
		return size
	}
	return 4096
}

// command is how the process list shows the runner.
func (r *runner) command() string {
	parallel := cap(r.slots)
	words := []string{"--ctx-size", fmt.Sprint(r.contextSize() * parallel), "--batch-size", r.options["num_batch"]}
	if layers := r.options["num_gpu"]; layers != "-1" {
		words = append(words, "--n-gpu-layers", layers)
	}
	words = append(words, "--threads", "8", "--parallel", fmt.Sprint(parallel), "--port", fmt.Sprint(r.port()))
	return r.server.world.release.command(r.model.blob(), words...)
}

// port is where the server reaches the runner.
func (r *runner) port() int { return 30000 + r.pid }

// moving says that the process runs at all. world.mu is held.
func (r *runner) moving() bool {
	w := r.server.world
	return !r.frozen && !w.driver.closed() && w.container.status != evidence.Paused
}

// reopen brings the gates to what the state says. A runner that spins, or has
// lost its GPU, does no work and answers a ping. world.mu is held.
func (r *runner) reopen() {
	r.health.set(!r.moving())
	r.gate.set(!r.moving() || r.spinning || r.cutOff)
}

// die ends the process. world.mu is held and settled.
func (r *runner) die() {
	r.dead = true
	r.server.world.forgetHollow(r.model.digest)
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.end()
}

// load brings the weights into memory. It stops when the request that wanted
// them goes away.
func (r *runner) load(ctx context.Context) error {
	w := r.server.world
	const steps = 20
	for range steps {
		if err := r.loadStep(ctx, steps); err != nil {
			if ctx.Err() != nil {
				return w.release.aborted()
			}
			return err
		}
	}
	var err error
	w.change(func() {
		if w.adapted(r.model) {
			r.loading, r.read = false, 1
		} else {
			err = w.release.terminated(w.release.badAdapter())
		}
	})
	return err
}

// loadStep is one of so many steps of a load.
func (r *runner) loadStep(ctx context.Context, steps time.Duration) error {
	if err := r.flows(ctx); err != nil {
		return err
	}
	if err := r.obstacle(); err != nil {
		return err
	}
	w := r.server.world
	w.mu.Lock()
	takes := w.slowed(r.model.LoadTakes)/steps + r.offset
	w.mu.Unlock()
	return r.work(ctx, takes, w.release.terminated("signal: killed"))
}

// work spends d of the process's time. The error is ctx's, or gone when the
// process ended.
func (r *runner) work(ctx context.Context, d time.Duration, gone error) error {
	ctx, cancel := r.join(ctx)
	defer cancel()
	err := pause.For(ctx, d)
	if err == nil {
		err = r.gate.pass(ctx)
	}
	if err != nil && r.ctx.Err() != nil {
		return gone
	}
	return err
}

// join ends ctx with the process too.
func (r *runner) join(ctx context.Context) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.ctx, cancel)
	return joined, func() { stop(); cancel() }
}

// slot waits for one of the runner's slots, first come first served.
func (r *runner) slot(ctx context.Context) (release func(), err error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.ctx.Done():
		return nil, r.server.world.release.notRunning()
	}
	r.server.world.change(func() { r.busy++ })
	return func() {
		r.server.world.change(func() { r.busy-- })
		<-r.slots
	}, nil
}

// generate calls emit for each of n tokens, on a slot of its own.
func (r *runner) generate(ctx context.Context, prompt string, n int, emit func(token int) error) error {
	release, err := r.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err = r.tokens(ctx, prompt, n, emit); err != nil {
		r.linger()
	}
	return err
}

func (r *runner) tokens(ctx context.Context, prompt string, n int, emit func(token int) error) error {
	gone := errUnexpected
	for token := range n {
		if err := r.work(ctx, r.takes(token, prompt), gone); err != nil {
			return err
		}
		r.server.world.change(r.noteCPU)
		if token == 0 && r.flaws().poisoned {
			r.server.world.change(r.die)
			return errUnexpected
		}
		if err := emit(token); err != nil {
			return err
		}
		gone = errCut
	}
	return nil
}

// takes is how long a token takes; the first is that of the whole prompt.
func (r *runner) takes(token int, prompt string) time.Duration {
	w := r.server.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if token > 0 {
		return r.paced(r.model.TokenInterval)
	}
	return r.paced(r.model.evaluation(prompt)) + w.stagger()
}

// evaluation is how long the prompt takes until its first token.
func (m *model) evaluation(prompt string) time.Duration {
	takes := m.FirstChunk
	if m.PromptRate > 0 {
		takes += time.Duration(float64(tokensOf(prompt)) / m.PromptRate * float64(time.Second))
	}
	return takes
}

// tokensOf estimates a prompt's tokens: four letters each, and one at least.
func tokensOf(prompt string) int { return 1 + len(prompt)/4 }
