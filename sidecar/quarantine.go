package sidecar

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	// firstQuarantine is how long a model whose runner died again and again is
	// kept out; each further time is twice as long, up to the longest.
	firstQuarantine   = 10 * time.Minute
	longestQuarantine = 2 * time.Hour
)

// quarantine is the time for which a model is kept out, or was last, so that the
// others go on.
type quarantine struct {
	until  time.Time
	lasts  time.Duration
	reason string
}

// keepOut leaves a model to a person, for a while that is longer each time.
func (s *supervisor) keepOut(model string, now time.Time, name verdict.Verdict, because string) {
	of := s.models.of(model)
	lasts := min(max(firstQuarantine, 2*of.kept.lasts), longestQuarantine)
	of.kept = quarantine{
		until: now.Add(lasts), lasts: lasts, reason: fmt.Sprintf("this model is kept out for %s, because %s", lasts, because),
	}
	of.hollow.lookAgain() // it is asked again before it is kept out again
	s.report.keptOut(s, model, name, of.kept.reason)
}

// setAside leaves a model that nothing has mended to a person, if it is not the
// one that Clawgate is there for: that one has to be looked at again, and to prove
// itself before its gate opens.
func (s *supervisor) setAside(now time.Time) {
	model := s.machine.Target
	if s.machine.State != policy.Exhausted || model == "" || model == s.mainModel() || s.machine.Passive {
		return
	}
	s.keepOut(model, now, s.judgement.Verdict, s.judgement.Sentence)
	if s.readiness.target != s.mainModel() {
		s.turnTo(s.mainModel())
	}
	s.handle(now, policy.Event{Kind: policy.SetAside})
}

// keptOut are the models in quarantine.
func (s *supervisor) keptOut(now time.Time) map[string]policy.Closure {
	var out map[string]policy.Closure
	for model, of := range s.models.named {
		if !now.Before(of.kept.until) {
			continue
		}
		if out == nil {
			out = map[string]policy.Closure{}
		}
		out[model] = policy.Closure{Reason: of.kept.reason, ExpectedOpen: of.kept.until}
	}
	return out
}
