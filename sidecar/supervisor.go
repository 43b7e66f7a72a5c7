package sidecar

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/relay"
	"github.com/clawdbot/clawgate/sidecar/replay"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Container is what the supervisor watches. Writes go through package recovery.
type Container interface {
	// Inspect tells the container's state; a container that does not exist is
	// evidence.Absent, and an error means that the engine does not answer.
	Inspect(ctx context.Context) (evidence.Container, error)
	// Activity reads the resource counters once.
	Activity(ctx context.Context) (evidence.Activity, error)
	// Events reports what the engine says, until ctx ends. It reconnects by itself.
	Events(ctx context.Context, report func(evidence.ContainerEvent)) error
}

// GPU tells what the GPUs hold. It never fails: a view that cannot be had is
// unknown.
type GPU interface {
	View(ctx context.Context) evidence.GPUView
}

// heartbeat is how often the supervisor looks at what it has when nothing
// happens: deadlines are noticed within this time.
const heartbeat = 500 * time.Millisecond

// supervisor carries out what its keeper decides. One goroutine, loop, tells the keeper
// what was seen, and acts; workers look, act for long, and post what they found.
type supervisor struct {
	config config.Config
	keeper *policy.Keeper
	parts  instruments
	report reporter
	log    *slog.Logger
	record *replay.Recorder // nil for none

	inbox   chan message
	kicks   kicks
	workers sync.WaitGroup
	run     context.Context // of the workers; set by loop
	cancels cancels

	// draining is set when the sidecar is about to end, working is when the container
	// was last seen working, in Unix nanoseconds; both for other goroutines.
	draining atomic.Bool
	working  atomic.Int64
}

// instruments are what the supervisor looks and acts with. Workers use them, too.
type instruments struct {
	container Container
	gpu       GPU
	hints     LogView // nil where there is no log to look into
	client    *ollama.Client
	dial      probe.DialFunc
	transport *http.Transport // of Clawgate's own calls
	relay     *relay.Relay
	ladder    *recovery.Ladder
	journal   *recovery.Journal
	options   *runnerOptions
	catalogue *catalogue
	abilities abilities
	processes *processes
	clock     *clock
	xids      *xidReports
}

// cancels end workers that may be called off.
type cancels struct {
	probes      map[uint64]context.CancelFunc // by their number
	load, check context.CancelFunc            // nil before the first
}

// message is what a worker posts. One of an earlier generation is dropped: it
// speaks of a server that is no more. Generation 0 is always heard. The loop calls
// observe, which tells what was seen and may note it where it is noted at once.
type message struct {
	generation uint64
	observe    func() watch.Observation
}

// loop runs until ctx ends and all workers are done.
func (s *supervisor) loop(ctx context.Context) error {
	workers, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		s.workers.Wait()
	}()
	s.run = workers
	s.begin(time.Now())
	s.look(workers)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-s.inbox:
			if m.generation == 0 || m.generation == s.keeper.Generation() {
				s.turn(m.observe())
			}
		case <-ticker.C:
			s.turn(watch.Tick{})
		}
	}
}

func (s *supervisor) begin(now time.Time) {
	in := s.inputs(now)
	acts := s.keeper.Begin(now, in)
	s.record.Begin(now, s.keeper.Settings(), in, acts)
	s.carryOut(acts)
}

// turn tells the keeper what was seen, and carries out what it decides.
func (s *supervisor) turn(seen watch.Observation) {
	now := time.Now()
	in := s.inputs(now)
	acts := s.keeper.Turn(now, in, seen)
	s.record.Turn(now, in, seen, acts)
	if err := s.record.Err(); err != nil {
		s.log.Error("the record of what is seen and decided ends here", "err", err)
		s.record = nil
	}
	s.carryOut(acts)
	if _, read := seen.(watch.ActivityRead); read {
		s.working.Store(s.keeper.WorkedAt().UnixNano())
	}
	s.publish(now)
}

// inputs are what a turn depends on beside what was seen. What is news in them is told to
// this turn, and to no other.
func (s *supervisor) inputs(now time.Time) policy.Inputs {
	in := s.present(now)
	in.Xids, in.ClockJumped = s.parts.xids.take(), s.parts.clock.look(now)
	return in
}

// present is what stands at that moment, without the news: it is enough for a question
// between two turns.
func (s *supervisor) present(now time.Time) policy.Inputs {
	p := &s.parts
	in := policy.Inputs{
		Traffic: p.relay.Traffic(), Spent: p.journal.Spent(now, s.config.RestartWindow), LookOutdated: p.processes.outdated(now),
		OffGPU: p.options.offGPU(s.keeper.Focus(), ollama.NormalizeModel(s.config.Model)),
	}
	if intent, pending := p.journal.Pending(); pending {
		in.Intent = &policy.Intent{Container: intent.Container, At: intent.At, StopTakes: intent.StopTakes}
	}
	return in
}

// publish makes the present state readable for other goroutines.
func (s *supervisor) publish(now time.Time) {
	standing := s.keeper.Standing()
	if s.draining.Load() {
		standing.Serves, standing.Because = false, "Clawgate is about to end"
	}
	s.report.publish(standing, s.status(now, standing))
}

// workedLately says that the container was seen working within the last few
// readings. It is called by the relay's goroutines.
func (s *supervisor) workedLately() bool {
	at := s.working.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < 3*activityInterval
}
