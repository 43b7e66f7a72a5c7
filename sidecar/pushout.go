package sidecar

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// doubtfulLoad is how long a load that may well be in vain waits for the models in
// its way.
const doubtfulLoad = 10 * time.Minute

// pushesOut says that a load which may be in vain, or which nobody has asked for,
// would take the place of a model in use: Ollama makes room for whoever comes.
func (s *supervisor) pushesOut(now time.Time) bool {
	target := s.readiness.target
	switch {
	case s.machine.State == policy.Exhausted:
		if now.Sub(s.remedy.triedLoad) >= doubtfulLoad {
			return false
		}
	case s.judgement.Verdict == verdict.HostAction && s.judgement.Need == verdict.Reload:
		if s.models.of(target).wanted.After(s.symptoms.doubtedAt) || now.Sub(s.symptoms.doubtedAt) >= doubtfulLoad {
			return false
		}
	default:
		return false
	}
	return s.othersInUse(now, target) && !s.fitsBeside(target)
}

// othersInUse says that another model has clients, or had some a while ago.
func (s *supervisor) othersInUse(now time.Time, target string) bool {
	if s.relay.Traffic().UsesBeside(target) {
		return true
	}
	others := slices.ContainsFunc(s.seen.loaded, func(m evidence.LoadedModel) bool { return m.Name != target })
	return others && now.Sub(s.seen.lastTraffic) < othersIdle
}

// fitsBeside says that the model is seen to find room without any other's leaving.
func (s *supervisor) fitsBeside(model string) bool {
	size := s.models.get(model).size
	return size > 0 && s.seen.gpu.FreeBytes() >= size
}
