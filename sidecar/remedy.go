package sidecar

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// remedyState is the remedy under way, and what came of the last ones.
type remedyState struct {
	// since is when the trouble that is being mended was first seen.
	since     time.Time
	began     time.Time // of the rung under way, or of the last one
	rung      policy.Rung
	reason    string // the verdict's name
	sentence  string
	counted   bool // the present attempt is among them
	running   bool
	stop      sentStop               // that failed last
	left      []evidence.LoadedModel // that stay in memory through the rung under way
	attempts  int                    // that did not help since the model was last ready for long
	drainFrom time.Time
	drainedAt time.Time // when the last stream had ended, of one that waited for a quiet moment
	steps     []recovery.Step
	lastError string
	triedLoad time.Time     // when the last load of ours began
	lastTook  time.Duration // from isolation to open, the last time
	backoff   time.Time     // when it ends
	// taken is about the present trouble; supervisor.tried fills in the rest.
	taken  policy.Attempts
	atIdle map[verdict.Verdict]time.Time
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
func (r *remedyState) ours() bool { return r.running && r.rung.Cuts() }

// timed adds a step to the account of the remedy that was taken last.
func (r *remedyState) timed(name string, took time.Duration) {
	r.steps = append(r.steps, recovery.Step{Name: name, Took: took})
}

// budgetLeft is how many restarts are allowed now. A container that is down
// because of us is started whatever the budget says.
func (s *supervisor) budgetLeft(now time.Time) int {
	if s.owesStart(s.seen.container) {
		return max(1, s.config.RestartBudget)
	}
	return max(s.config.RestartBudget-s.journal.Spent(now, s.config.RestartWindow), 0)
}

// requested is the reason of what a person asked for.
const requested = "requested"

// beginDrain notes why a remedy is due; finishDrain waits for what still moves.
func (s *supervisor) beginDrain(now time.Time) {
	s.remedy.drainFrom, s.remedy.drainedAt = now, time.Time{}
	if s.judgement.Verdict != verdict.Unproven || s.remedy.since.IsZero() { // else it is a further rung for the same trouble
		s.remedy.reason, s.remedy.sentence = string(s.judgement.Verdict), s.judgement.Sentence
	}
	if s.machine.Forced {
		s.remedy.reason, s.remedy.sentence = requested, "a person asked for a restart"
	}
	if s.remedy.since.IsZero() { // not on a further rung for the same trouble
		s.remedy.steps, s.remedy.since = nil, s.focus().streak.FailingSince
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
	if (s.machine.Rung.Cuts() || s.machine.AtIdle) && now.Sub(s.remedy.drainFrom) < s.config.DrainTimeout && s.underWay(now) {
		s.remedy.drainedAt = time.Time{}
		return
	}
	if s.machine.AtIdle && !s.undisturbed(now) {
		return
	}
	if s.machine.Forced || s.paces.remedies.AllowN(now, 1) {
		s.handle(now, policy.Event{Kind: policy.Drained})
	}
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
	others = others[:min(len(others), mostAtOnce)]
	s.noteTaken(now, rung)
	s.noteLoaded(rung, target, others)
	s.setGate(now)
	s.changed(now, rung)
	switch rung {
	case policy.Unload:
		s.models.of(target).unloaded(now)
	case policy.MakeRoom:
	default:
		s.remedy.attempts++
		s.remedy.counted = true
		s.spend(now)
	}
	reason := s.remedy.reason
	s.log.Warn("taking a remedy", "rung", rung, "model", target, "reason", reason, "sentence", s.remedy.sentence,
		"attempt", s.remedy.attempts, "budget_left", s.budgetLeft(now))
	s.spawn(func(ctx context.Context, _ func(func())) {
		if rung.Cuts() {
			s.saveJournal()
		}
		report := s.take(ctx, remedyOrder{rung, target, others, run, reason})
		s.post(ctx, 0, func() {
			s.remedy.noteStop(run, report, time.Now())
			s.tookRemedy(time.Now(), rung, report)
		})
	})
}

// changed forgets what was seen of the server before the rung. Where that leaves it
// running, what the other models proved stays true.
func (s *supervisor) changed(now time.Time, rung policy.Rung) {
	if rung.Cuts() {
		s.recalibrate(now)
		return
	}
	s.focus().runEnded()
	s.lookAnew(now)
}

// spend takes one restart out of the budget. Finishing what an earlier Clawgate
// began costs nothing: it was paid for then.
func (s *supervisor) spend(now time.Time) {
	if !s.owesStart(s.seen.container) {
		s.journal.Spend(now)
	}
}

// remedyOrder is what a rung is taken for and on.
type remedyOrder struct {
	rung   policy.Rung
	target string
	others []string // models that may leave memory
	run    evidence.Identity
	reason string
}

func (s *supervisor) take(ctx context.Context, o remedyOrder) recovery.Report {
	switch o.rung {
	case policy.MakeRoom:
		return s.ladder.MakeRoom(ctx, o.target, o.others)
	case policy.Unload:
		return s.ladder.Unload(ctx, o.target)
	case policy.Start:
		return s.ladder.Start(ctx, o.run, o.reason)
	default:
		return s.ladder.Restart(ctx, o.run, o.reason)
	}
}

// tookRemedy takes a rung's end. Whatever came of it, the server is judged anew.
func (s *supervisor) tookRemedy(now time.Time, rung policy.Rung, report recovery.Report) {
	s.remedy.running = false
	s.remedy.steps = append(s.remedy.steps, report.Steps...)
	result, kind := "success", policy.RemedyDone
	s.remedy.lastError = ""
	if report.Err != nil {
		result, kind = "failure", policy.RemedyFailed
		s.remedy.lastError = report.Err.Error()
	}
	if errors.Is(report.Err, evidence.ErrChanged) {
		result, kind = "obsolete", policy.Replaced
	}
	if rung == policy.Restart && report.Err != nil && !report.StopSent {
		s.journal.Refund(s.remedy.began) // nothing was stopped
		s.workers.Go(s.saveJournal)
	}
	s.noteFailure(rung, report.Err)
	for _, step := range report.Steps {
		s.log.Info("remedy step", "rung", rung, "step", step.Name, "took", step.Took, "detail", step.Detail)
	}
	s.log.Warn("the remedy ended", "rung", rung, "result", result, "took", now.Sub(s.remedy.began), "err", report.Err)
	s.report.remedied(s, rung, result, report, now)
	s.changed(now, rung)
	if rung.Cuts() {
		if report.Err == nil && s.remedy.reason == requested || kind == policy.Replaced {
			s.forgetDevices() // a person was there
		}
		s.symptoms.newRun()
		s.models.each((*modelRecord).containerStarted)
	} else if s.machine.Target != "" {
		s.models.of(s.machine.Target).reloaded()
	}
	s.seen.loaded, s.seen.loadedKnown = s.remedy.left, report.Err == nil
	s.seen.containerKnown = false // the next inspection is of our own doing
	failed := report.Err != nil && (rung == policy.Start || report.StopSent)
	s.seen.operator = operatorWatch{diedSeen: failed} // the end of what did not come up is no person's
	s.handle(now, policy.Event{Kind: kind})
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
	if s.machine.State == policy.Backoff && !now.Before(s.remedy.backoff) {
		s.readiness.cancelAll()
		s.models.each((*modelRecord).unprove)
		s.handle(now, policy.Event{Kind: policy.BackoffElapsed})
	}
}
