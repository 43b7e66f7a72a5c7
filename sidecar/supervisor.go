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
	"github.com/clawdbot/clawgate/sidecar/verdict"
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

// supervisor owns the state machine and all that was seen. One goroutine, loop,
// reads and changes it; workers post what they found and never touch it.
type supervisor struct {
	config    config.Config
	container Container
	gpu       GPU
	hints     LogView // nil where there is no log to look into
	client    *ollama.Client
	relay     *relay.Relay
	ladder    *recovery.Ladder
	journal   *recovery.Journal
	report    reporter
	options   *runnerOptions
	log       *slog.Logger

	inbox   chan message
	xids    xidReports
	workers sync.WaitGroup
	run     context.Context // of the workers; set by loop
	kicks   kicks
	dial    probe.DialFunc
	// transport carries Clawgate's own calls.
	transport *http.Transport
	// draining is set when the sidecar is about to end.
	draining atomic.Bool
	// working is when the container was last seen working, in Unix nanoseconds,
	// for the relay's goroutines.
	working atomic.Int64

	machine    policy.Machine
	since      time.Time // of the machine's state
	lastGate   policy.Gate
	judgement  verdict.Judgement
	judgedAt   time.Time // since when the verdict has been this one
	generation uint64
	calibrated time.Time // when the generation began

	seen      sightings
	symptoms  symptoms
	models    models
	readiness readiness
	work      work
	paces     paces
	remedy    remedyState
	quiet     quietWait
	clock     clock
	view      secondView
	role      role
	refusals  refusalCheck
	observe   bool    // MODE=observe
	pausedFor *string // why a person paused Clawgate; nil while nobody did
}

// message is what a worker posts. One of an earlier generation is dropped: it
// speaks of a server that is no more. Generation 0 is always heard.
type message struct {
	generation uint64
	apply      func()
}

// post hands apply to the loop. It gives up when the sidecar ends.
func (s *supervisor) post(ctx context.Context, generation uint64, apply func()) {
	select {
	case s.inbox <- message{generation, apply}:
	case <-ctx.Done():
	}
}

// spawn runs a worker of this generation; the supervisor ends after it.
func (s *supervisor) spawn(worker func(ctx context.Context, post func(func()))) {
	generation, ctx := s.generation, s.run
	s.workers.Go(func() {
		worker(ctx, func(apply func()) { s.post(ctx, generation, apply) })
	})
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
	s.watch(workers)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-s.inbox:
			if m.generation != 0 && m.generation != s.generation {
				continue
			}
			m.apply()
		case <-ticker.C:
		}
		s.evaluate(time.Now())
	}
}

// begin starts where nothing is known: Clawgate trusts no remembered state, not
// even its own.
func (s *supervisor) begin(now time.Time) {
	s.machine = policy.Begin(s.observe)
	s.since, s.judgedAt = now, now
	s.judgement = verdict.Judgement{Verdict: verdict.Unproven, Need: verdict.Proof, Sentence: "nothing is proven yet"}
	s.generation = 1
	s.models.main = s.mainModel()
	s.readiness.target = s.models.main
	s.report.entered(s, "", s.machine.State)
	s.setGate(now)
}

// evaluate draws the conclusion from what is known now, and acts on it.
func (s *supervisor) evaluate(now time.Time) {
	s.clock.look(s.log)
	s.tellRole(now)
	s.sawXids(now)
	picture := s.picture(now)
	if s.machine.State != policy.Recovering { // a server that is being changed is not judged
		s.judge(picture)
		s.handle(now, policy.Event{Kind: policy.Judged, Judgement: s.judgement})
	}
	s.lookCloser(now)
	s.endBackoff(now)
	s.turnBack(now)
	s.lookAside(now)
	s.provenByStream(now)
	s.planReadiness(s.picture(now))
	s.checkRefusals(s.picture(now))
	s.setAside(now)
	s.awaitQuiet(now)
	s.finishDrain(now)
	s.restore()
	s.forgetTrouble(now)
	s.setGate(now)
	s.report.publish(s, now)
}

func (s *supervisor) judge(picture verdict.Picture) {
	fresh := policy.Settle(verdict.Judge(picture, s.judgement), picture, s.tried(picture.Now))
	if fresh.Verdict != s.judgement.Verdict {
		s.judgedAt = picture.Now
		s.report.judged(s, s.judgement, fresh)
	}
	s.judgement = fresh
}

// handle takes one step and carries out its action.
func (s *supervisor) handle(now time.Time, event policy.Event) {
	starts := s.machine.Rung == policy.Start || event.Judgement.ServerGone // nothing is stopped for that
	event.BudgetLeft = s.budgetLeft(now) > 0 && (starts || !policy.RestartForbidden(s.picture(now), s.tried(now)).Holds())
	event.UnloadsSpent = s.models.get(event.Judgement.Model).unloadsSpent(now)
	event.Aside = s.aside()
	before := s.machine
	after, action := policy.Step(s.machine, event)
	s.machine = after
	if after.State != before.State {
		s.since = now
		s.report.entered(s, before.State, after.State)
	}
	if before.State == policy.Stopped && after.State == policy.Starting && event.Kind != policy.Replaced {
		s.recalibrate(now) // a person has undone it, before an inspection told how
	}
	switch action {
	case policy.LoadModel:
		s.load(now)
	case policy.PullModel:
		s.pull(now)
	case policy.Drain:
		s.beginDrain(now)
	case policy.Remedy:
		s.beginRemedy(now)
	case policy.Probe:
		s.probeNow(now)
	case policy.Wait:
		s.beginBackoff(now)
	}
}

// recalibrate forgets everything that was seen of the run of the server that is
// over. Messages about it are dropped from now on.
func (s *supervisor) recalibrate(now time.Time) {
	s.models.each((*modelRecord).runEnded)
	s.lookAnew(now)
}

// lookAnew forgets what was seen of the server, beside what its models proved.
func (s *supervisor) lookAnew(now time.Time) {
	s.generation++
	s.calibrated = now
	s.readiness.cancelAll()
	s.seen.forgetServer()
	s.models.each(func(m *modelRecord) { m.present = false })
	s.work.forget()
	s.refusals.forget()
	s.symptoms.refused = verdict.Refusals{}
	s.options.forget()
	s.client.Forget()
	s.view.forget(now)
	s.forgetProof(now)
	s.kicks.all()
	s.probeNow(now)
}

// forgetProof drops a verdict that speaks well of the run that is over. A
// verdict that speaks ill of it stays until the next run has proved itself.
func (s *supervisor) forgetProof(now time.Time) {
	before := s.judgement
	if before.SpeaksWell() {
		s.judgement, s.judgedAt = verdict.Judgement{Verdict: verdict.Unproven, Need: verdict.Proof, Sentence: "nothing is proven yet in this run of the server"}, now
		s.report.judged(s, before, s.judgement)
	}
}

// forgetTrouble starts counting attempts anew once the model has stayed ready.
func (s *supervisor) forgetTrouble(now time.Time) {
	if s.machine.State == policy.Ready && now.Sub(s.since) >= recovery.StableAfter {
		if s.machine.Rung != policy.NoRung || s.machine.Tried != "" {
			s.handle(now, policy.Event{Kind: policy.Stable})
		}
		s.remedy.attempts, s.remedy.taken = 0, policy.Attempts{}
	}
}
