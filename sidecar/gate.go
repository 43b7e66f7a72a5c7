package sidecar

import (
	"reflect"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// usualRecovery is how long a recovery takes until one was measured: the
// figure of the user that Clawgate was made for.
const usualRecovery = 42 * time.Second

// setGate tells the relay who may pass. It is called after every event; the
// relay is told only of changes.
func (s *supervisor) setGate(now time.Time) {
	gate := s.gate(now)
	if s.sameGate(gate) {
		return
	}
	s.lastGate = gate
	s.relay.SetGate(gate)
}

// gate closes for what the trouble is about: one model, or everything. While
// Clawgate only watches it stays open.
func (s *supervisor) gate(now time.Time) relay.Gate {
	gate := s.gateOfState(now)
	if gate.All == nil {
		s.keptOut(&gate, now)
	}
	return gate
}

func (s *supervisor) gateOfState(now time.Time) relay.Gate {
	gate := relay.Gate{State: string(s.machine.State)}
	if s.machine.State == policy.Ready || s.machine.Passive && s.machine.State != policy.Recovering {
		return gate
	}
	closure := relay.Closure{Reason: s.explain(), MayHold: s.machine.State != policy.Exhausted && s.machine.State != policy.Stopped}
	closure.ExpectedOpen = s.expectedOpen(now)
	if !s.work.pullSince.IsZero() {
		closure.Progress = s.work.pullStatus
	}
	if model := s.closedModel(); model != "" {
		gate.Models = map[string]relay.Closure{model: closure}
		return gate
	}
	gate.All = &closure
	return gate
}

// closedModel is the one model that the gate is closed for; empty for all. A
// server whose API answers serves other models while one is loaded or mended.
func (s *supervisor) closedModel() string {
	switch s.machine.State {
	case policy.Isolated, policy.Recovering, policy.Verifying:
		if s.machine.Target != "" && s.machine.Rung != policy.Restart && s.machine.Rung != policy.Start {
			return s.machine.Target
		}
	case policy.Exhausted:
		if s.machine.Target != "" && s.seen.api.Failures == 0 {
			return s.machine.Target
		}
	case policy.Loading:
		if s.seen.api.Failures == 0 && s.seen.api.Successes > 0 || s.seen.api.Last.Missing {
			return s.mainModel()
		}
	}
	return ""
}

func (s *supervisor) explain() string {
	switch s.machine.State {
	case policy.Starting:
		return "the model has not answered yet since Clawgate or Ollama started"
	case policy.Loading:
		return "the model is being loaded"
	case policy.Recovering, policy.Verifying:
		return "the model is being recovered: " + s.remedy.sentence
	case policy.Backoff:
		if s.seen.api.Failures > 0 && s.seen.api.Last.Missing {
			return "Ollama does not have the model, and it could not be pulled; the next try follows"
		}
		return "the model did not come back; the next try follows"
	case policy.Exhausted:
		return "a person has to look: " + s.judgement.Sentence
	default:
		return s.judgement.Sentence
	}
}

// expectedOpen estimates when requests will be served again, from what the last
// recovery or load took. Zero where only a person can tell.
func (s *supervisor) expectedOpen(now time.Time) time.Time {
	began, usual := s.since, usualRecovery
	switch s.machine.State {
	case policy.Stopped, policy.Exhausted:
		return time.Time{}
	case policy.Backoff:
		began = s.remedy.backoff
	case policy.Isolated, policy.Recovering, policy.Verifying:
		if !s.remedy.since.IsZero() {
			began = s.remedy.since
		}
		if s.remedy.lastTook > 0 {
			usual = s.remedy.lastTook
		}
	case policy.Loading:
		if done, total := s.work.pullDone, s.work.pullTotal; done > 0 && total > done {
			passed := now.Sub(s.work.pullSince)
			return now.Add(time.Duration(float64(passed) * float64(total-done) / float64(done))).Truncate(time.Second)
		}
		if s.work.lastLoad > 0 {
			usual = s.work.lastLoad
		}
	}
	expected := began.Add(usual)
	if soon := now.Truncate(time.Second).Add(2 * time.Second); expected.Before(soon) {
		return soon
	}
	return expected
}

func (s *supervisor) sameGate(gate relay.Gate) bool { return reflect.DeepEqual(gate, s.lastGate) }

// serves says whether a request for the main model would be forwarded now.
func (s *supervisor) serves() (bool, string) {
	if s.draining.Load() {
		return false, "Clawgate is about to end"
	}
	if s.lastGate.All != nil {
		return false, s.lastGate.All.Reason
	}
	if closure, closed := s.lastGate.Models[s.mainModel()]; closed {
		return false, closure.Reason
	}
	if s.machine.State != policy.Ready && s.machine.Passive && s.judgement.Verdict != "" && !s.judgement.Answers {
		return false, "the gate is held open, and the model does not answer: " + s.judgement.Sentence
	}
	return true, ""
}
