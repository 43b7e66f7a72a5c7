package sidecar

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// leaveAlone says why no probe may be sent now; empty when one may. The rules
// protect users' GPU time, and loads, which a probe would wait for.
func (s *supervisor) leaveAlone(p verdict.Picture) string {
	switch {
	case s.machine.State == policy.Recovering:
		return "a remedy is under way"
	case s.machine.AtIdle && s.machine.Draining && !s.remedy.drainedAt.IsZero():
		return "a remedy waits for the container to come to rest"
	case !p.LoadSince.IsZero():
		return "the model is being loaded"
	case !s.work.pullSince.IsZero():
		return "the model is being pulled"
	case p.ContainerKnown && p.EngineAwaySince.IsZero() && p.Container.Status != evidence.Running:
		return "the container does not run"
	case s.listBlocks(p.Traffic, p.Now):
		return "a model may be loading, and this Ollama does not tell what is loaded meanwhile"
	}
	if p.Hollow.Suspicious() {
		return "" // that live requests are answered is what is in doubt
	}
	if p.Traffic.Uses(p.Target) {
		return s.whileInFlight(p)
	}
	return ""
}

// resting says that the model's keep-alive has passed since it was last used, so
// that only probes keep it in memory. The first use counts from being ready.
func (s *supervisor) resting(now time.Time) bool {
	if s.config.KeepAlive.Forever() || s.machine.State != policy.Ready {
		return false
	}
	used := s.since
	if s.seen.lastTraffic.After(used) {
		used = s.seen.lastTraffic
	}
	return now.Sub(used) > time.Duration(s.config.KeepAlive)
}

// besideSilence is how long the clients of a model have to have heard nothing
// until a probe goes out beside them, though the server works: from then on it
// can be told how long the model has been silent.
const besideSilence = time.Minute

// whileInFlight lets a probe go out beside live requests only when nothing moves,
// or for long nothing of the model's own.
func (s *supervisor) whileInFlight(p verdict.Picture) string {
	if len(s.symptoms.xids)+len(s.seen.failed) > 0 && s.focus().streak.Successes == 0 {
		return "" // the gate is shut until the model has answered after the error
	}
	if p.Apart != "" && s.focus().streak.Successes == 0 {
		return "" // what was asked of the container proves nothing
	}
	if _, waits := verdict.ClientWaits(p); waits || s.asksInDoubt(p) {
		return ""
	}
	oldest, moved := p.Now, time.Time{}
	for _, r := range p.Traffic.InFlight {
		if r.SentAt.Before(oldest) {
			oldest = r.SentAt
		}
		if r.Model == p.Target && r.LastChunkAt.After(moved) {
			moved = r.LastChunkAt
		}
	}
	silent := p.Now.Sub(oldest) >= besideSilence && p.Now.Sub(moved) >= besideSilence && p.Now.Sub(s.seen.lastTraffic) >= besideSilence
	if silent || verdict.Silence(p, oldest, "a first chunk").Outcome == evidence.Failure {
		return ""
	}
	return fmt.Sprintf("%d requests are in flight, and the server works on them", len(p.Traffic.InFlight))
}
