package sidecar

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/relay"
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

// died counts a death of a model's runner. Ollama loads the model again for whoever asks
// next; if that of one dies again and again which the probe does not look at, each time
// takes the GPU from the others. The list of models is looked at again before the next
// probe is sent.
func (s *supervisor) died(sign evidence.Sign) {
	s.kicks.inspect.kick() // it may be the whole container that ends
	if sign.Model == s.mainModel() && s.aside() {
		s.turnTo(sign.Model) // it comes first
	}
	of := s.models.of(sign.Model)
	of.present = false
	if !of.crashed(sign.At, sign.Detail, func() bool { return s.view.counted(sign.Request) }) {
		return
	}
	crashes := len(of.crashes.list)
	s.log.Warn("a runner died", "model", sign.Model, "detail", sign.Detail, "crashes", crashes)
	switch {
	case sign.Model == s.readiness.target:
		s.seen.loadedKnown = false
		s.options.forget()
	case crashes >= verdict.CrashLimit:
		s.keepOut(sign.Model, sign.At, verdict.Crashed, fmt.Sprintf("its runner died %d times: %s", crashes, sign.Detail))
		of.crashes = failures{}
	}
}

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
	if s.machine.State != Exhausted || model == "" || model == s.mainModel() || s.machine.Passive {
		return
	}
	s.keepOut(model, now, s.judgement.Verdict, s.judgement.Sentence)
	if s.readiness.target != s.mainModel() {
		s.turnTo(s.mainModel())
	}
	s.handle(now, Event{Kind: SetAside})
}

// keptOut adds the models in quarantine to the gate. While Clawgate only watches
// it stays open for them.
func (s *supervisor) keptOut(gate *relay.Gate, now time.Time) {
	if s.machine.Passive {
		return
	}
	for model, of := range s.models.named {
		q := of.kept
		if _, closed := gate.Models[model]; closed || !now.Before(q.until) {
			continue
		}
		if gate.Models == nil {
			gate.Models = map[string]relay.Closure{}
		}
		gate.Models[model] = relay.Closure{Reason: q.reason, ExpectedOpen: q.until}
	}
}
