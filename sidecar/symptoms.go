package sidecar

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// symptoms are what was seen of the models and the GPUs beside probes and
// crashes: what tells a server that answers well from one that only answers.
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

	models map[string]*modelSymptoms
	lately []string // their names, the one that was asked for last at the end

	refused verdict.Refusals
}

// modelSymptoms are those of one model.
type modelSymptoms struct {
	pace        verdict.Pace
	bestRatio   float64   // the largest part of it that was seen on a GPU
	ownPeak     uint64    // bytes; the most that the container held with no other model in memory
	size        uint64    // bytes in memory, as Ollama said last, or on its disk before that
	wanted      time.Time // when a client met a gate that was shut for it
	usedThisRun bool

	answers   bool // it has given a token since it came into memory
	lateSince time.Time
	timely    bool // this load of it has answered in time

	memory       []time.Time // when there was no room for it, newest last
	memoryDetail string

	hollow  hollowCount
	crashes []time.Time // of models other than the target
}

// hollowCount follows answers with nothing in them.
type hollowCount struct {
	answers   int
	prompts   []uint64
	confirmed string // what the probe got, once it got the same
	again     bool
}

// maxSymptomatic bounds the memory for models; the ones with requests now are few.
const maxSymptomatic = 64

// of returns the symptoms of a model, by its normalised name. The one that was asked
// for least lately makes room for a new one.
func (s *symptoms) of(model string) *modelSymptoms {
	if i := slices.Index(s.lately, model); i >= 0 {
		s.lately = slices.Delete(s.lately, i, i+1)
	} else {
		if s.models == nil {
			s.models = map[string]*modelSymptoms{}
		}
		if len(s.lately) >= maxSymptomatic {
			delete(s.models, s.lately[0])
			s.lately = slices.Delete(s.lately, 0, 1)
		}
		s.models[model] = &modelSymptoms{}
	}
	s.lately = append(s.lately, model)
	return s.models[model]
}

// newRun drops what belongs to a run of the container that is over, and keeps
// what was learned about the models. A device that failed outlives the run.
func (s *symptoms) newRun() {
	s.hint, s.leak, s.refused = evidence.GPUHintUnknown, verdict.Leak{}, verdict.Refusals{}
	for _, m := range s.models {
		m.usedThisRun = false
		m.reloaded()
	}
}

// reloaded begins anew with a model that was loaded again.
func (m *modelSymptoms) reloaded() {
	m.pace = m.pace.Afresh()
	m.lateSince, m.timely, m.answers = time.Time{}, false, false
	m.hollow.lookAgain()
}

// lookAgain forgets what the model said, but not that it said nothing.
func (h *hollowCount) lookAgain() { *h = hollowCount{again: h.again || h.confirmed != ""} }

// answered follows whether a load of the model that was quick has become slow.
func (m *modelSymptoms) answered(at time.Time, late bool) {
	switch {
	case !late:
		m.timely, m.lateSince = true, time.Time{}
	case m.lateSince.IsZero():
		m.lateSince = at
	}
}

// sawAnswer takes a complete answer to a client.
func (m *modelSymptoms) sawAnswer(answer evidence.Answer) {
	m.pace = m.pace.Add(answer.PerSecond)
	if !answer.Hollow {
		if answer.Tokens > 1 {
			m.hollow = hollowCount{}
		}
		return
	}
	m.hollow.answers++
	if !slices.Contains(m.hollow.prompts, answer.Prompt) && len(m.hollow.prompts) < maxPrompts {
		m.hollow.prompts = append(m.hollow.prompts, answer.Prompt)
	}
}

// maxPrompts: more different prompts than this tell nothing more.
const maxPrompts = 8

// noRoom notes that there was no memory for the model.
func (m *modelSymptoms) noRoom(at time.Time, detail string) {
	m.memory = slices.DeleteFunc(m.memory, func(t time.Time) bool { return at.Sub(t) > verdict.CrashWindow })
	m.memory = append(m.memory, at)
	m.memoryDetail = detail
}

// lately are the times within the window in which they count, since the model gave
// its last token: one request that was too large, and another after many answers,
// are not one trouble.
func (m *modelSymptoms) lately(now, token time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(m.memory), func(t time.Time) bool { return now.Sub(t) > verdict.CrashWindow || !t.After(token) })
}

func (h hollowCount) verdict() verdict.HollowAnswers {
	return verdict.HollowAnswers{
		Answers: h.answers, Prompts: len(h.prompts), Confirmed: h.confirmed != "", Again: h.again, Detail: h.confirmed,
	}
}

// sawListed learns how large models are that were never in memory. One that another
// machine runs will never be.
func (s *symptoms) sawListed(list []probe.Listed, models ...string) {
	for _, m := range list {
		model := ollama.NormalizeModel(m.Name)
		if m.Remote || !slices.Contains(models, model) {
			continue
		}
		if of := s.of(model); of.size == 0 {
			of.size = m.Bytes
		}
	}
}

// sawLoaded learns from a list of loaded models how much of each is on a GPU.
func (s *symptoms) sawLoaded(loaded []evidence.LoadedModel) {
	for name, of := range s.models {
		of.answers = of.answers && slices.ContainsFunc(loaded, func(m evidence.LoadedModel) bool { return m.Name == name })
	}
	for _, m := range loaded {
		if m.Size == 0 {
			continue
		}
		of := s.of(m.Name)
		if of.size = m.Size; m.SizeVRAM == 0 {
			continue
		}
		of.bestRatio = max(of.bestRatio, float64(m.SizeVRAM)/float64(m.Size))
		of.usedThisRun = true
	}
}

// symptomsIn puts what is known into the picture.
func (s *supervisor) symptomsIn(p *verdict.Picture) {
	known := s.symptoms
	of := known.of(p.Target)
	p.Memory = verdict.MemoryTrouble{Times: of.lately(p.Now, s.seen.lastToken), Detail: of.memoryDetail}
	p.Memory.Unresolved = last(p.Memory.Times).After(s.seen.lastSuccess)
	p.Refused, p.Hollow = known.refused, of.hollow.verdict()
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
