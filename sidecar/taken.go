package sidecar

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
)

// noteTaken remembers what has been done about the present trouble.
func (s *supervisor) noteTaken(now time.Time, rung policy.Rung) {
	switch rung {
	case policy.MakeRoom:
		s.remedy.taken.MadeRoom = true
	case policy.Unload:
		s.remedy.taken.Unloaded = true
	case policy.Restart:
		s.remedy.taken.Restarted = true
	}
	if s.quiet.verdict != "" && s.remedy.reason == string(s.quiet.verdict) { // not another trouble that came between
		s.remedy.tookQuietly(s.quiet.verdict, now)
		s.quiet = quietWait{}
	}
}

// tried is what has been done about the present trouble, and what came of it.
func (s *supervisor) tried(now time.Time) policy.Attempts {
	tried := s.remedy.taken
	tried.Unloaded = tried.Unloaded && s.machine.Tried == s.readiness.target
	tried.QuietMoments = s.remedy.tookAtIdle(now)
	if s.machine.State == policy.Exhausted && s.budgetLeft(now) == 0 {
		tried.NoBudget = fmt.Sprintf("the budget of %d restarts in %s is spent; a person has to look", s.config.RestartBudget, s.config.RestartWindow)
	}
	return tried
}

// noteFailure counts what the engine could not do, in a row.
func (s *supervisor) noteFailure(rung policy.Rung, err error) {
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
	case rung == policy.Start, errors.Is(err, evidence.ErrStartFailed):
		taken.FailedStarts++
	default:
		return
	}
	taken.LastError = err.Error()
}

// noteLoaded remembers which models to load again after a restart, and which ones
// stay in memory through any other rung.
func (s *supervisor) noteLoaded(rung policy.Rung, target string, others []string) {
	s.remedy.left = nil
	if !rung.Cuts() {
		goes := others
		if rung == policy.Unload {
			goes = []string{target}
		}
		s.remedy.left = slices.DeleteFunc(s.seen.loaded, func(m evidence.LoadedModel) bool { return slices.Contains(goes, m.Name) })
		return
	}
	for _, m := range s.seen.loaded {
		known := slices.ContainsFunc(s.work.restore, func(r evidence.LoadedModel) bool { return r.Name == m.Name })
		if m.Name != s.mainModel() && !known && len(s.work.restore) < mostAtOnce {
			s.work.restore = append(s.work.restore, m)
		}
	}
	if s.readiness.target != s.mainModel() {
		s.turnTo(s.mainModel())
	}
}
