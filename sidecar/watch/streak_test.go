package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAStreakCountsEqualResultsInARow(t *testing.T) {
	at := func(outcome evidence.Outcome, s int) evidence.ProbeResult {
		return evidence.ProbeResult{Outcome: outcome, At: now.Add(time.Duration(s) * time.Second), Reason: string(outcome)}
	}
	s := Streak{}.Add(at(evidence.Success, 0)).Add(at(evidence.Success, 1))
	if s.Successes != 2 || s.Failures != 0 || s.Inconclusive != "" {
		t.Errorf("two successes: %+v", s)
	}
	s = s.Add(at(evidence.Failure, 2)).Add(at(evidence.Unknown, 3)).Add(at(evidence.Failure, 4))
	if s.Failures != 2 || s.Successes != 0 || !s.FailingSince.Equal(now.Add(2*time.Second)) || s.Inconclusive != "" {
		t.Errorf("two failures around an unknown: %+v", s)
	}
	unknown := s.Add(at(evidence.Unknown, 5))
	if unknown.Failures != 2 || unknown.Inconclusive != "unknown" || unknown.Last.Outcome != evidence.Failure {
		t.Errorf("an unknown moves a counter: %+v", unknown)
	}
	left := at(evidence.Unknown, 5)
	left.Unloaded = true
	if gone := s.Add(left); gone.Failures != 0 || !gone.FailingSince.IsZero() || gone.Inconclusive != "unknown" {
		t.Errorf("failures outlive the runner that failed: %+v", gone)
	}
	if s = s.Add(at(evidence.Success, 6)); s.Failures != 0 || s.Successes != 1 || !s.FailingSince.IsZero() {
		t.Errorf("a success leaves failures behind: %+v", s)
	}
	if s = s.Add(at(evidence.Failure, 7)); !s.FailingSince.Equal(now.Add(7 * time.Second)) {
		t.Errorf("failing since %s", s.FailingSince)
	}
}
