package sidecar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// remedyState is the remedy under way, and what came of the last ones.
type remedyState struct {
	// since is when the trouble that is being mended was first seen.
	since     time.Time
	began     time.Time // of the rung under way, or of the last one
	rung      Rung
	reason    string // the verdict's name
	sentence  string
	counted   bool // the present attempt is among them
	running   bool
	stopTried evidence.Identity // the run whose stop failed last
	attempts  int               // that did not help since the model was last ready for long
	unloads   []time.Time
	drainFrom time.Time
	drainedAt time.Time // when the last stream had ended, of one that waited for a quiet moment
	steps     []recovery.Step
	lastError string
	lastTook  time.Duration // from isolation to open, the last time
	backoff   time.Time     // when it ends
	taken     verdict.Taken // about the present trouble; the rest is filled in by supervisor.taken
	atIdle    map[verdict.Verdict]time.Time
}

const (
	// unloadWindow and unloadLimit: a model that wedges again and again after
	// unloading is not mended by unloading.
	unloadWindow = 10 * time.Minute
	unloadLimit  = 2
	// drainMoves is how fresh a stream's last chunk has to be for a remedy to
	// wait for it.
	drainMoves = 10 * time.Second
)

// ours says that what happens to the container now is Clawgate's own doing.
func (r *remedyState) ours() bool { return r.running && r.rung.cuts() }

func (r *remedyState) unloadsSpent(now time.Time) bool {
	recent := 0
	for _, at := range r.unloads {
		if now.Sub(at) < unloadWindow {
			recent++
		}
	}
	return recent >= unloadLimit
}

// stoppedLate says that the container ended in the very run that Clawgate had
// tried to stop in vain: the stop took effect after all, and nobody else did it
// (moby#22802: the engine gives up on a process that the driver holds).
func (r *remedyState) stoppedLate(c evidence.Container) bool {
	return c.Status == evidence.Exited && c.ID != "" && c.ID == r.stopTried.ID && c.StartedAt.Equal(r.stopTried.StartedAt)
}

// timed adds a step to the account of the remedy that was taken last.
func (r *remedyState) timed(name string, took time.Duration) {
	r.steps = append(r.steps, recovery.Step{Name: name, Took: took})
}

// budgetLeft is how many restarts are allowed now. A container that is down
// because of us is started whatever the budget says.
func (s *supervisor) budgetLeft(now time.Time) int {
	if _, pending := s.journal.Pending(); pending {
		return max(1, s.config.RestartBudget)
	}
	return max(s.config.RestartBudget-s.journal.Spent(now, s.config.RestartWindow), 0)
}

// requested is the reason of what a person asked for.
const requested = "requested"

// beginDrain notes why a remedy is due; finishDrain waits for what still moves.
func (s *supervisor) beginDrain(now time.Time) {
	s.remedy.drainFrom, s.remedy.drainedAt = now, time.Time{}
	s.remedy.reason, s.remedy.sentence = string(s.judgement.Verdict), s.judgement.Sentence
	if s.machine.Forced {
		s.remedy.reason, s.remedy.sentence = requested, "a person asked for a restart"
	}
	if s.remedy.since.IsZero() { // not on a further rung for the same trouble
		s.remedy.steps, s.remedy.since = nil, s.readiness.streak.FailingSince
	}
	if s.remedy.since.IsZero() {
		s.remedy.since = now
	}
	s.log.Warn("a remedy is due", "rung", s.machine.Rung, "reason", s.remedy.reason, "sentence", s.remedy.sentence,
		"passive", s.machine.Passive)
	s.report.due(s, now, s.machine.Rung)
}

// finishDrain ends the wait for streams that the remedy would cut: all of them
// for a restart, none for an unload, whose model is silent.
func (s *supervisor) finishDrain(now time.Time) {
	if !s.machine.Draining || s.machine.Passive && !s.machine.Forced {
		return
	}
	if (s.machine.Rung.cuts() || s.machine.AtIdle) && now.Sub(s.remedy.drainFrom) < s.config.DrainTimeout && s.underWay(now) {
		s.remedy.drainedAt = time.Time{}
		return
	}
	if s.machine.AtIdle && !s.undisturbed(now) {
		return
	}
	s.handle(now, Event{Kind: Drained})
}

// underWay says that a remedy would cut something: a stream that moves, and where
// it can wait also what has not begun to move.
func (s *supervisor) underWay(now time.Time) bool {
	return s.streamsMove(now) || s.machine.AtIdle && len(s.relay.Traffic().InFlight) > 0
}

func (s *supervisor) streamsMove(now time.Time) bool {
	return slices.ContainsFunc(s.relay.Traffic().InFlight, func(r evidence.Request) bool {
		return !r.LastChunkAt.IsZero() && now.Sub(r.LastChunkAt) < drainMoves
	})
}

// beginRemedy starts the rung that the machine stands on. From here on nothing
// that is seen of the server counts, until the rung is done.
func (s *supervisor) beginRemedy(now time.Time) {
	rung, target, run := s.machine.Rung, s.machine.Target, s.seen.container.Identity
	s.remedy.began, s.remedy.rung, s.remedy.running = now, rung, true
	others := verdict.OthersAtRest(s.picture(now), target)
	s.noteTaken(now, rung)
	s.noteLoaded(rung)
	s.setGate(now)
	s.recalibrate(now)
	switch rung {
	case Unload:
		s.remedy.unloads = append(s.remedy.unloads, now)
	case MakeRoom:
	default:
		s.remedy.attempts++
		s.remedy.counted = true
		s.spend(now)
	}
	reason := s.remedy.reason
	s.log.Warn("taking a remedy", "rung", rung, "model", target, "reason", reason, "sentence", s.remedy.sentence,
		"attempt", s.remedy.attempts, "budget_left", s.budgetLeft(now))
	s.spawn(func(ctx context.Context, _ func(func())) {
		report := s.take(ctx, remedyOrder{rung, target, others, run, reason})
		s.post(ctx, 0, func() {
			if rung == Restart && report.Err != nil && !errors.Is(report.Err, evidence.ErrChanged) {
				s.remedy.stopTried = run
			}
			s.tookRemedy(time.Now(), rung, report)
		})
	})
}

// spend takes one restart out of the budget. Finishing what an earlier Clawgate
// began costs nothing: it was paid for then.
func (s *supervisor) spend(now time.Time) {
	if _, pending := s.journal.Pending(); pending {
		return
	}
	if err := s.journal.Spend(now); err != nil {
		s.log.Warn("cannot write the restart down; the budget would not survive a crash", "err", err)
	}
}

// remedyOrder is what a rung is taken for and on.
type remedyOrder struct {
	rung   Rung
	target string
	others []string // models that may leave memory
	run    evidence.Identity
	reason string
}

func (s *supervisor) take(ctx context.Context, o remedyOrder) recovery.Report {
	switch o.rung {
	case MakeRoom:
		return s.ladder.MakeRoom(ctx, o.target, o.others)
	case Unload:
		return s.ladder.Unload(ctx, o.target)
	case Start:
		return s.ladder.Start(ctx, o.run, o.reason)
	default:
		return s.ladder.Restart(ctx, o.run, o.reason)
	}
}

// noteTaken remembers what has been done about the present trouble.
func (s *supervisor) noteTaken(now time.Time, rung Rung) {
	switch rung {
	case MakeRoom:
		s.remedy.taken.MadeRoom = true
	case Unload:
		s.remedy.taken.Unloaded = true
	case Restart:
		s.remedy.taken.Restarted = true
	}
	if s.quiet.verdict != "" && s.remedy.reason == string(s.quiet.verdict) { // not another trouble that came between
		s.remedy.tookQuietly(s.quiet.verdict, now)
		s.quiet = quietWait{}
	}
}

// taken is what has been done about the present trouble, and what came of it.
func (s *supervisor) taken(now time.Time) verdict.Taken {
	taken := s.remedy.taken
	taken.AtIdle = s.remedy.tookAtIdle(now)
	taken.ClockJumpedAt = s.clock.jumpedAt
	if s.machine.State == Exhausted && s.budgetLeft(now) == 0 {
		taken.NoBudget = fmt.Sprintf("no restart: the budget of %d in %s is spent; a person has to look", s.config.RestartBudget, s.config.RestartWindow)
	}
	return taken
}

// noteFailure counts what the engine could not do, in a row.
func (s *supervisor) noteFailure(rung Rung, err error) {
	taken := &s.remedy.taken
	switch {
	case err == nil:
		taken.FailedStops, taken.FailedStarts = 0, 0
		return
	case errors.Is(err, evidence.ErrMismatch):
		s.symptoms.mismatch = true
		return
	case errors.Is(err, evidence.ErrWontDie):
		taken.FailedStops++
	case rung == Start, errors.Is(err, evidence.ErrStartFailed):
		taken.FailedStarts++
	default:
		return
	}
	taken.LastError = err.Error()
}

// noteLoaded remembers which models to load again after a restart.
func (s *supervisor) noteLoaded(rung Rung) {
	if !rung.cuts() {
		return
	}
	for _, m := range s.seen.loaded {
		known := slices.ContainsFunc(s.work.restore, func(r evidence.LoadedModel) bool { return r.Name == m.Name })
		if m.Name != s.mainModel() && !known {
			s.work.restore = append(s.work.restore, m)
		}
	}
	if s.readiness.target != s.mainModel() {
		s.turnTo(s.mainModel())
	}
}

// tookRemedy takes a rung's end. Whatever came of it, the server is judged anew.
func (s *supervisor) tookRemedy(now time.Time, rung Rung, report recovery.Report) {
	s.remedy.running = false
	s.remedy.steps = append(s.remedy.steps, report.Steps...)
	result, kind := "success", RemedyDone
	s.remedy.lastError = ""
	if report.Err != nil {
		result, kind = "failure", RemedyFailed
		s.remedy.lastError = report.Err.Error()
	}
	if errors.Is(report.Err, evidence.ErrChanged) {
		result, kind = "obsolete", Replaced
	}
	s.noteFailure(rung, report.Err)
	for _, step := range report.Steps {
		s.log.Info("remedy step", "rung", rung, "step", step.Name, "took", step.Took, "detail", step.Detail)
	}
	s.log.Warn("the remedy ended", "rung", rung, "result", result, "took", now.Sub(s.remedy.began), "err", report.Err)
	s.report.remedied(s, rung, result, report, now)
	s.recalibrate(now)
	if rung.cuts() {
		if report.Err == nil && s.remedy.reason == requested || kind == Replaced {
			s.symptoms.xid, s.symptoms.mismatch = evidence.Xid{}, false // a person was there, and may have mended it
		}
		s.symptoms.newRun()
	} else if s.machine.Target != "" {
		s.symptoms.of(s.machine.Target).reloaded()
	}
	s.seen.loaded, s.seen.loadedKnown = nil, report.Err == nil // nothing is, after any rung
	s.seen.containerKnown = false                              // the next inspection is of our own doing
	s.seen.operator = operatorWatch{}
	s.handle(now, Event{Kind: kind})
}

// beginBackoff waits before the next look, longer each time.
func (s *supervisor) beginBackoff(now time.Time) {
	if !s.remedy.counted { // a restart has counted itself
		s.remedy.attempts++
	}
	s.remedy.counted = false
	pause := recovery.Backoff(s.remedy.attempts)
	s.remedy.backoff = now.Add(pause)
	s.log.Warn("waiting before the next try", "pause", pause, "attempts", s.remedy.attempts)
}

// endBackoff looks again once the pause is over.
func (s *supervisor) endBackoff(now time.Time) {
	if s.machine.State == Backoff && !now.Before(s.remedy.backoff) {
		s.readiness.forget()
		s.handle(now, Event{Kind: BackoffElapsed})
	}
}
