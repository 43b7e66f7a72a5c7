package sidecar

import (
	"reflect"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// setGate tells the relay who may pass. It is called after every event; the
// relay is told only of changes.
func (s *supervisor) setGate(now time.Time) {
	gate := policy.GateOf(s.machine, s.aroundGate(now), now)
	if reflect.DeepEqual(gate, s.lastGate) {
		return
	}
	s.lastGate = gate
	s.relay.SetGate(forRelay(gate))
}

// aroundGate puts together what the gate depends on beside the machine.
func (s *supervisor) aroundGate(now time.Time) policy.Around {
	return policy.Around{
		Main: s.mainModel(), API: s.seen.api, Sentence: s.judgement.Sentence, Mending: s.remedy.sentence, KeptOut: s.keptOut(now),
		Since: s.since, TroubleSince: s.remedy.since, BackoffEnds: s.remedy.backoff, LastRecovery: s.remedy.lastTook, LastLoad: s.work.lastLoad,
		Pull: policy.Pull{Since: s.work.pullSince, Status: s.work.pullStatus, Done: s.work.pullDone, Total: s.work.pullTotal},
	}
}

func forRelay(gate policy.Gate) relay.Gate {
	told := relay.Gate{State: string(gate.State)}
	if gate.All != nil {
		all := relay.Closure(*gate.All)
		told.All = &all
	}
	for model, closure := range gate.Models {
		if told.Models == nil {
			told.Models = map[string]relay.Closure{}
		}
		told.Models[model] = relay.Closure(closure)
	}
	return told
}

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
