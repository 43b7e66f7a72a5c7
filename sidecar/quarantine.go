package sidecar

import (
	"fmt"
	"slices"
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
	// maxQuarantined bounds the models that are kept out, and those that were: the
	// one whose time is over first makes room. Ollama lists few that die.
	maxQuarantined = 64
)

// quarantined is a model that is kept out, so that the others go on.
type quarantined struct {
	until  time.Time
	lasts  time.Duration
	reason string
}

// crashedBeside notes that the runner of a model died that Clawgate is not there
// for. Ollama loads it again for whoever asks next; if it dies again and again,
// each time takes the GPU from the others.
func (s *supervisor) crashedBeside(sign evidence.Sign) {
	delete(s.seen.present, sign.Model)
	of := s.symptoms.of(sign.Model)
	if n := len(of.crashes); n > 0 && sign.At.Sub(of.crashes[n-1]) < sameCrash {
		return
	}
	if s.view.counted(sign.Request) {
		return // the same request, sent once more
	}
	of.crashes = slices.DeleteFunc(of.crashes, func(t time.Time) bool { return sign.At.Sub(t) > verdict.CrashWindow })
	of.crashes = append(of.crashes, sign.At)
	s.log.Warn("a runner died", "model", sign.Model, "detail", sign.Detail, "crashes", len(of.crashes))
	if len(of.crashes) >= verdict.CrashLimit && sign.Model != s.mainModel() {
		s.keepOut(sign.Model, sign.At, verdict.Crashed, fmt.Sprintf("its runner died %d times: %s", len(of.crashes), sign.Detail))
		of.crashes = nil
	}
}

func (s *supervisor) keepOut(model string, now time.Time, name verdict.Verdict, because string) {
	if s.quarantine == nil {
		s.quarantine = map[string]quarantined{}
	}
	s.boundQuarantine(model)
	lasts := min(max(firstQuarantine, 2*s.quarantine[model].lasts), longestQuarantine)
	s.quarantine[model] = quarantined{
		until: now.Add(lasts), lasts: lasts, reason: fmt.Sprintf("this model is kept out for %s, because %s", lasts, because),
	}
	s.symptoms.of(model).hollow.lookAgain() // it is asked again before it is kept out again
	s.report.keptOut(s, model, name, s.quarantine[model].reason)
}

func (s *supervisor) boundQuarantine(newcomer string) {
	if _, known := s.quarantine[newcomer]; known || len(s.quarantine) < maxQuarantined {
		return
	}
	first := newcomer
	for model, q := range s.quarantine {
		if first == newcomer || q.until.Before(s.quarantine[first].until) {
			first = model
		}
	}
	delete(s.quarantine, first)
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
	for model, q := range s.quarantine {
		if _, closed := gate.Models[model]; closed || !now.Before(q.until) {
			continue
		}
		if gate.Models == nil {
			gate.Models = map[string]relay.Closure{}
		}
		gate.Models[model] = relay.Closure{Reason: q.reason, ExpectedOpen: q.until}
	}
}
