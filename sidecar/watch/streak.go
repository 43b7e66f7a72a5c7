package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Streak counts equal results in a row.
type Streak struct {
	Last      evidence.ProbeResult // the last one that was not Unknown
	Successes int
	Failures  int
	// FailingSince is when the first failure of the present row was seen.
	FailingSince time.Time
	// Inconclusive is why the newest attempt decided nothing; empty when it did.
	Inconclusive string
}

// Add counts one result and returns the new streak. Unknown moves no counter,
// but for a model that is seen to have left memory: what failed before speaks of
// a runner that is no more.
func (s Streak) Add(r evidence.ProbeResult) Streak {
	switch r.Outcome {
	case evidence.Success:
		return Streak{Last: r, Successes: s.Successes + 1}
	case evidence.Failure:
		since := s.FailingSince
		if s.Failures == 0 {
			since = r.At
		}
		return Streak{Last: r, Failures: s.Failures + 1, FailingSince: since}
	default:
		s.Inconclusive = r.Reason
		if r.Unloaded {
			s.Failures, s.FailingSince = 0, time.Time{}
		}
		return s
	}
}
