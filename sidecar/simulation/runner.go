package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// What Ollama 0.9.6 says of a runner that died: while the request waited for a
// slot, before its first token, after it, and while it loaded.
var (
	errNotRunning  = errors.New("llama runner process no longer running: -1 ")
	errUnexpected  = errors.New("model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details")
	errCut         = errors.New("an error was encountered while running the model: unexpected EOF")
	errLoadKilled  = errors.New("llama runner process has terminated: signal: killed")
	errLoadAborted = fmt.Errorf("timed out waiting for llama runner to start: %w", context.Canceled)
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
	gate    *gate
	slots   chan struct{}
	// turn is held by whoever loads, pings, grants or unloads the runner:
	// Ollama's refMu, which it holds for as long as a load or a ping takes.
	// A channel, because a goroutine that waits for a mutex stops virtual time.
	turn chan struct{}

	// Guarded by world.mu.
	loading   bool
	read      float64 // part of the weights that is in memory
	frozen    bool
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
		server: s, pid: s.world.nextPID(), model: a.model, options: maps.Clone(a.options), gate: newGate(),
		slots: make(chan struct{}, s.world.config.Parallel), turn: make(chan struct{}, 1),
		offset: s.world.stagger(), loading: true, session: s.world.config.KeepAlive,
	}
	if a.keepAlive != nil {
		r.session = *a.keepAlive
	}
	r.gate.set(!r.moving())
	r.ctx, r.end = context.WithCancel(s.ctx)
	s.loaded[a.model.digest] = r
	return r
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
	words := []string{"/bin/ollama", "runner", "--model", r.model.blob(),
		"--ctx-size", fmt.Sprint(r.contextSize() * parallel), "--batch-size", r.options["num_batch"]}
	if layers := r.options["num_gpu"]; layers != "-1" {
		words = append(words, "--n-gpu-layers", layers)
	}
	return strings.Join(append(words, "--threads", "8", "--parallel", fmt.Sprint(parallel), "--port", fmt.Sprint(30000+r.pid)), " ")
}

// moving says that the process is not frozen. world.mu is held.
func (r *runner) moving() bool {
	return !r.frozen && r.server.world.container.status != evidence.Paused
}

// die ends the process. world.mu is held and settled.
func (r *runner) die() {
	r.dead = true
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
		w.mu.Lock()
		step := w.slowed(r.model.LoadTakes)/steps + r.offset
		w.mu.Unlock()
		if err := r.work(ctx, step, errLoadKilled); err != nil {
			if ctx.Err() != nil {
				return errLoadAborted
			}
			return err
		}
	}
	w.change(func() { r.loading, r.read = false, 1 })
	return nil
}

// work spends d of the process's time. The error is ctx's, or gone when the
// process ended.
func (r *runner) work(ctx context.Context, d time.Duration, gone error) error {
	ctx, cancel := r.join(ctx)
	defer cancel()
	err := sleep(ctx, d)
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
		return nil, errNotRunning
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
	w, gone := r.server.world, errUnexpected
	for token := range n {
		w.mu.Lock()
		takes := w.slowed(r.model.TokenInterval)
		if token == 0 {
			takes = w.slowed(r.model.evaluation(prompt)) + w.stagger()
		}
		w.mu.Unlock()
		if err := r.work(ctx, takes, gone); err != nil {
			return err
		}
		if err := emit(token); err != nil {
			return err
		}
		gone = errCut
	}
	return nil
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
