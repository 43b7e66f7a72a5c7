package sidecar_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/loglimit"
	"github.com/clawdbot/clawgate/sidecar"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

const (
	model = "qwen3:32b"
	other = "llama3:8b"
	token = "let-me-in-please"
)

// setup is how the world looks when Clawgate comes to it.
type setup struct {
	world simulation.Config
	env   []string // CLAWGATE_… variables, beside those of every scenario
	// before happens to the world before the sidecar is started.
	before func(s *scenario)
	// away leaves the start of the sidecar to the scenario.
	away bool
	// blind is an engine that lists no processes.
	blind bool
	// unruled is a container without a restart policy.
	unruled bool
	// lateKills is how late the engine tells of signals.
	lateKills time.Duration
	// unmeasured is an engine that tells nothing of the container's activity.
	unmeasured bool
	// fresh is what a new look at the GPUs shows; nil for no such look.
	fresh func(context.Context) evidence.GPUView
	// record gets what the sidecar sees and decides; nil for nobody.
	record io.Writer
}

// scenario is a simulated Ollama, the whole sidecar before it, and clients that
// talk to it through memory. Its time is virtual.
type scenario struct {
	*testing.T
	*simulation.World
	env      []string
	fresh    func(context.Context) evidence.GPUView
	record   io.Writer
	engine   *recorder
	odd      *oddity
	log      *history
	door     *pipeListener // the relay's
	desk     *pipeListener // the operator's
	clients  *http.Client
	operator *http.Client
	end      context.CancelFunc // of the sidecar, as SIGTERM does
	ended    chan error
	closers  []func()     // run when the scenario is over
	heard    atomic.Int64 // when any client got a piece of an answer last, in Unix nanoseconds
}

// play runs one scenario in a bubble of virtual time. When it returns, the
// sidecar and the world have ended, and the bubble makes sure that nothing of
// them is left.
func play(t *testing.T, given setup, act func(s *scenario)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		world := simulation.New(usual(given.world))
		s := &scenario{T: t, World: world, engine: &recorder{World: world, blind: given.blind, unmeasured: given.unmeasured, unruled: given.unruled, lateKills: given.lateKills}, fresh: given.fresh, record: given.record, log: newHistory()}
		s.env = append([]string{
			"CLAWGATE_STATE_DIR=" + folder, "CLAWGATE_HEALTH_LOG=", "CLAWGATE_ADMIN_TOKEN=" + token,
		}, given.env...)
		s.log.mayBeReady = s.loaded
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- world.Run(ctx) }()
		synctest.Wait()
		s.odd = newOddity(world, s.engine)
		defer func() {
			for _, end := range s.closers {
				end()
			}
			s.stop()
			s.odd.close()
			cancel()
			if err := <-gone; err != nil {
				t.Error(err)
			}
			s.engine.check(t)
			if len(s.log.lies) > 0 {
				t.Errorf("a dead model was presented as alive: %q", s.log.lies)
			}
			if t.Failed() || testing.Verbose() {
				t.Log("what the sidecar did:\n" + s.log.String())
			}
		}()
		if given.before != nil {
			given.before(s)
		}
		if !given.away {
			s.start()
		}
		act(s)
	})
}

// usual is a GPU host with the model and another one that both fit, as far as
// the scenario does not say otherwise.
func usual(c simulation.Config) simulation.Config {
	if c.Models == nil {
		c.Models = []simulation.Model{{Name: model}, {Name: other}}
	}
	if c.GPUBytes == 0 {
		c.GPUBytes = 24 << 30
	}
	return c
}

// start brings up a sidecar beside the world as it is.
func (s *scenario) start() {
	s.Helper()
	settings, err := config.Load(s.env)
	if err != nil {
		s.Fatal(err)
	}
	s.door, s.desk = newPipeListener(), newPipeListener()
	s.clients, s.operator = s.door.client(), s.desk.client()
	instance := sidecar.New(sidecar.Parts{
		Config: settings, Engine: s.engine, GPU: s.engine, Hints: s.engine, Wall: s.Now, Dial: s.odd.dial, Fresh: s.fresh, Record: s.record, Version: "test",
		Registry: prometheus.NewRegistry(), Log: slog.New(loglimit.New(s.log)), // as newLog of package main does
		Leaks: func(evidence.GPUView, evidence.GPUView, evidence.GPUOwner) evidence.LeakReport {
			return evidence.LeakReport{Result: evidence.LeakNone}
		},
	})
	ctx, cancel := context.WithCancel(s.Context())
	s.end, s.ended = cancel, make(chan error, 1)
	go s.Xids(ctx, instance.SawXid)
	go func() { s.ended <- instance.Run(ctx, sidecar.Listeners{Relay: s.door, Admin: s.desk}) }()
}

// stop ends the sidecar and waits for it. Stopping twice does nothing.
func (s *scenario) stop() {
	s.Helper()
	if s.end == nil {
		return
	}
	s.end()
	s.end = nil
	if err := <-s.ended; err != nil {
		s.Errorf("the sidecar ended with %v", err)
	}
	s.clients.CloseIdleConnections()
	s.operator.CloseIdleConnections()
}

// must fails the scenario when an act on the world failed.
func (s *scenario) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// every calls act at once and then after each pause, until end is called or the
// scenario is over.
func (s *scenario) every(pause time.Duration, act func()) (end func()) {
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			act()
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}()
	end = func() { cancel(); <-ended }
	s.closers = append(s.closers, end)
	return end
}

// reaches waits until the sidecar enters the state, or has entered it since it
// was asked last, and returns when that was.
func (s *scenario) reaches(state policy.State, within time.Duration) time.Time {
	s.Helper()
	at, found := s.log.awaitState(state, within)
	if !found {
		s.Fatalf("the sidecar did not become %s within %s; verdict %s: %s", state, within, s.verdict().Name, s.verdict().Sentence)
	}
	synctest.Wait() // what belongs to the change is done: the gate, the status
	return at
}

// finds waits until the verdict is that, and returns its sentence.
func (s *scenario) finds(name verdict.Verdict, within time.Duration) string {
	s.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if now := s.verdict(); now.Name == string(name) {
			return now.Sentence
		}
	}
	s.Fatalf("the verdict did not become %s within %s; it is %s: %s", name, within, s.verdict().Name, s.verdict().Sentence)
	return ""
}

// stays waits for d and fails if the sidecar changes its state meanwhile.
func (s *scenario) stays(state policy.State, d time.Duration) {
	s.Helper()
	if now := s.log.state(); now != state {
		s.Fatalf("the sidecar is %s, want %s", now, state)
	}
	if to, changed := s.log.awaitChange(d); changed {
		s.Errorf("the sidecar became %s, want it to stay %s", to, state)
	}
}

// within checks how long something took.
func (s *scenario) within(what string, took, least, most time.Duration) {
	s.Helper()
	if took < least || took > most {
		s.Errorf("%s took %s, want %s to %s", what, took, least, most)
	}
}

// remedies checks which remedies the world saw since the last check, in order:
// "unload", "stop", "start", "restart".
func (s *scenario) remedies(want ...string) {
	s.Helper()
	if got := s.engine.taken(); !slices.Equal(got, want) {
		s.Errorf("remedies taken: %q, want %q", got, want)
	}
}

// runner is the process number of the only runner.
func (s *scenario) runner() int {
	s.Helper()
	runners := s.runners()
	if len(runners) != 1 {
		s.Fatalf("%d runners, want 1: %v", len(runners), runners)
	}
	return runners[0].PID
}

func (s *scenario) runners() []evidence.Process {
	s.Helper()
	processes, err := s.Processes(s.Context())
	s.must(err)
	return processes[1:] // the first is the server
}

// loaded says why the model cannot have answered. While the engine is away, or
// slow, nothing can be told.
func (s *scenario) loaded() error {
	ctx, cancel := context.WithTimeout(s.Context(), time.Millisecond)
	defer cancel()
	processes, err := s.Processes(ctx)
	switch {
	case errors.Is(err, simulation.ErrEngineAway), errors.Is(err, context.DeadlineExceeded):
		return nil
	case err != nil:
		return err
	case len(processes) < 2:
		return errors.New("there is no runner")
	}
	return nil
}

func (s *scenario) inspect() evidence.Container {
	s.Helper()
	container, err := s.Inspect(s.Context())
	s.must(err)
	return container
}
