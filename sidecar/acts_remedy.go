package sidecar

import (
	"context"
	"errors"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// takeRemedy takes a rung. What comes of it is heard in any generation.
func (s *supervisor) takeRemedy(order policy.TakeRemedy) {
	run := s.run
	s.workers.Go(func() {
		if order.Rung.Cuts() {
			s.saveJournal()
		}
		report := climb(run, s.parts.ladder, order)
		s.saw(run, 0, watch.RemedyEnded{
			Steps: report.Steps, Leak: report.Leak, StopSent: report.StopSent, Failure: engineError(report.Err),
		})
	})
}

func climb(ctx context.Context, ladder *recovery.Ladder, o policy.TakeRemedy) recovery.Report {
	switch o.Rung {
	case policy.MakeRoom:
		return ladder.MakeRoom(ctx, o.Target, o.Others)
	case policy.Unload:
		return ladder.Unload(ctx, o.Target)
	case policy.Start:
		return ladder.Start(ctx, o.Run, o.Reason)
	default:
		return ladder.Restart(ctx, o.Run, o.Reason)
	}
}

// engineError tells which of evidence's errors it is; nil for none.
func engineError(err error) *watch.EngineError {
	if err == nil {
		return nil
	}
	told := &watch.EngineError{Text: err.Error()}
	for _, known := range engineErrors {
		if errors.Is(err, known.err) {
			told.Kind = known.kind
			break
		}
	}
	return told
}

var engineErrors = []struct {
	err  error
	kind watch.EngineErrorKind
}{
	{evidence.ErrChanged, watch.Changed}, {evidence.ErrMismatch, watch.Mismatch},
	{evidence.ErrWontDie, watch.WontDie}, {evidence.ErrStartFailed, watch.StartFailed},
}
