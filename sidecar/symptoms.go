package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// symptoms are what was seen of the GPUs, and of the server as a whole: what tells one
// that answers well from one that only answers.
type symptoms struct {
	xids map[xidKind]deviceXid // in this run of the container
	// doubtedAt is when the model's GPU came into question last.
	doubtedAt time.Time

	hint    evidence.GPUHint
	ownSeen bool
	// mismatch says that a container that is stopped now would not start again.
	mismatch bool
	leak     verdict.Leak

	throttledSince time.Time
	throttledBy    []string

	refused verdict.Refusals
}

// newRun drops what belongs to a run of the container that is over. A device that
// failed outlives it.
func (s *symptoms) newRun() {
	s.hint, s.leak, s.refused = evidence.GPUHintUnknown, verdict.Leak{}, verdict.Refusals{}
}

// symptomsIn puts what is known into the picture.
func (s *supervisor) symptomsIn(p *verdict.Picture) {
	known, of := s.symptoms, s.models.of(p.Target)
	p.Crashes, p.CrashDetail, p.CrashUnresolved = of.crashes.times(), of.crashes.detail, of.unresolved(of.crashes)
	p.Memory, p.Refused, p.Hollow = of.memoryTrouble(p.Now), known.refused, of.hollow.verdict()
	p.Card = verdict.Card{
		View: s.seen.gpu, LastKnown: s.seen.gpuKnown, Mismatch: known.mismatch, Xids: known.deviceXids(), Hint: known.hint, BestRatio: of.bestRatio, UsedThisRun: of.usedThisRun,
		ByWish: s.onCPUByWish(p.Target), OwnSeen: known.ownSeen, OwnPeak: of.ownPeak, Pace: of.pace, Leak: known.leak,
	}
	p.Slowed = verdict.Slowed{
		ThrottledSince: known.throttledSince, By: known.throttledBy, LateSince: of.lateSince, TimelyBefore: of.timely,
	}
}

// onCPUByWish says that the model was asked to stay off the GPU, by the settings
// or by the request that its runner was started for.
func (s *supervisor) onCPUByWish(model string) bool {
	if s.seen.container.Env["CUDA_VISIBLE_DEVICES"] == "-1" {
		return true
	}
	for _, options := range []ollama.RunnerOptions{s.options.remembered(model), ollama.RunnerOptions(s.config.Options)} {
		if string(options["num_gpu"]) == "0" {
			return true
		}
	}
	return false
}
