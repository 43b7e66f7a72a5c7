package sidecar

import (
	"context"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// LogView reads what Ollama's own log says of the GPUs that it found when the
// container was started last.
type LogView interface {
	GPUHint(ctx context.Context) (evidence.GPUHint, error)
}

// sawView takes a look at the GPUs.
func (s *supervisor) sawView(view evidence.GPUView) {
	id := s.ownID(time.Now())
	if view.Known {
		s.followDevices(view)
		s.seen.gpuKnown = view
	}
	s.seen.gpu = view
	if gpuWorks(view, id) {
		s.seen.gpuWorks = view.SeenAt
	}
	if !view.Known {
		s.symptoms.throttledSince = time.Time{}
		s.symptoms.leak = verdict.Leak{}
		return
	}
	held := view.HeldBy(id)
	s.symptoms.ownSeen = s.symptoms.ownSeen || held > 0
	if model := s.holder(); model != "" {
		of := s.models.of(model)
		of.ownPeak = max(of.ownPeak, held)
	}
	s.symptoms.sawClocks(view)
	s.followLeak(view, id)
}

// holder is the only model that can be what the container holds GPU memory for; empty
// where there are more.
func (s *supervisor) holder() string {
	switch {
	case !s.seen.loadedKnown:
	case len(s.seen.loaded) == 1 && s.work.loadSince.IsZero():
		return s.seen.loaded[0].Name
	case len(s.seen.loaded) == 0 && !s.targetLoads().IsZero():
		return s.readiness.target
	}
	return ""
}

// sawClocks follows for how long the clocks have been held down, and why.
func (s *symptoms) sawClocks(view evidence.GPUView) {
	var reasons []string
	for _, g := range view.GPUs {
		if g.ClockReasons == nil {
			continue
		}
		for _, reason := range evidence.Slowdowns(*g.ClockReasons) {
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
	}
	s.throttledBy = reasons
	switch {
	case len(reasons) == 0:
		s.throttledSince = time.Time{}
	case s.throttledSince.IsZero():
		s.throttledSince = view.SeenAt
	}
}

// followLeak counts only while nothing moves and the list of loaded models is of
// this moment: one that is being loaded is in no list.
func (s *supervisor) followLeak(view evidence.GPUView, id string) {
	moving := !s.work.loadSince.IsZero() || s.work.restoring || view.SeenAt.Sub(s.seen.gpuWorks) < gpuInterval || len(s.relay.Traffic().InFlight) > 0 ||
		!s.seen.loadedKnown || s.machine.State == policy.Recovering || s.seen.pulse.StillFor(view.SeenAt) == 0
	if moving && s.symptoms.leak.Lasts(view.SeenAt) {
		return // traffic does not give leaked memory back
	}
	s.symptoms.leak = s.symptoms.leak.Add(view, id, s.seen.loaded, moving, uint64(s.config.LeakTolerance))
}

// followDevices doubts the model's GPU as soon as the driver gives one up, or wants
// something done about it. A view that is not to be had takes nothing back.
func (s *supervisor) followDevices(view evidence.GPUView) {
	before := s.seen.failed
	s.seen.failed = map[string]bool{}
	for _, g := range view.GPUs {
		if !g.Lost && !g.Advice.NeedsHost() {
			continue
		}
		s.seen.failed[g.UUID] = true
		if !before[g.UUID] && s.seen.container.GPURequested && concerns(view, s.seen.container.ID, g.UUID) {
			s.doubtDevice(view.SeenAt)
		}
	}
}

// forgetDevices: somebody was at the machine, and may have mended its GPUs. If not,
// it shows again.
func (s *supervisor) forgetDevices() {
	s.symptoms.xids, s.symptoms.mismatch = nil, false
	s.seen.failed, s.seen.gpuKnown = nil, evidence.GPUView{}
}

// doubtDevice takes back the proof that a model gave before its GPU was in
// question. What was asked before proves nothing either.
func (s *supervisor) doubtDevice(now time.Time) {
	if s.aside() && s.machine.State != policy.Recovering { // the main model comes first
		s.turnTo(s.mainModel())
	}
	s.readiness.settle()
	s.models.each((*modelRecord).unprove)
	s.symptoms.doubtedAt, s.focus().doubted = now, true
	s.probeNow(now)
}

// afterDoubt is how long after an error a piece of an answer has to come for it to be
// none that was on its way already.
const afterDoubt = 2 * time.Second

// provenByStream takes each further piece of a stream of the model's, after its GPU came
// into question, for an answer: with one slot a probe would wait behind it.
func (s *supervisor) provenByStream(now time.Time) {
	of := s.focus()
	streak := of.streak
	if streak.Successes >= s.config.SuccessThreshold {
		of.doubted = false
	}
	if !of.doubted || s.aside() || s.machine.State == policy.Recovering || streak.Failures > 0 {
		return
	}
	for _, r := range s.relay.Traffic().InFlight {
		after := r.LastChunkAt.Sub(s.symptoms.doubtedAt) >= afterDoubt && r.LastChunkAt.After(streak.Last.At) && r.SentAt.After(s.calibrated)
		if r.Model == s.readiness.target && after && now.Sub(r.LastChunkAt) < s.config.FirstChunkTimeout {
			of.count(evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, At: r.LastChunkAt})
			return
		}
	}
}

// concerns says that a GPU is the container's, or may be: where nobody tells who
// holds what, every GPU may be its.
func concerns(view evidence.GPUView, containerID, uuid string) bool {
	if !view.Known || uuid == "" || len(view.GPUs) < 2 {
		return true
	}
	its := view.Of(containerID)
	return len(its) == 0 || slices.ContainsFunc(its, func(g evidence.GPU) bool { return g.UUID == uuid })
}

// hintPause is between two looks into the log, until it tells something.
const hintPause = 10 * time.Second

// readHint looks into Ollama's log once its API answers: it says there what it
// found, before it listens.
func (s *supervisor) readHint(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	if !s.ask(ctx, func() bool {
		return s.seen.answered && s.symptoms.hint == evidence.GPUHintUnknown && s.seen.container.GPURequested
	}) {
		return hintPause
	}
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	hint, err := s.hints.GPUHint(limited)
	if err != nil {
		s.log.Debug("cannot read the container's log", "err", err)
		return hintPause
	}
	s.post(ctx, generation, func() { s.symptoms.hint = hint })
	return hintPause
}
