package sidecar

import (
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// sightings is what was seen last, apart from readiness.
type sightings struct {
	container      evidence.Container
	ran            evidence.Container // as it was seen running last
	containerKnown bool
	goneSince      time.Time
	engineAway     time.Time // zero while the engine answers
	engineBack     time.Time // when it answered again; zero if it was never away
	engineError    string
	operator       operatorWatch

	tcp, api verdict.Streak
	reached  bool           // a connection was made at least once
	answered bool           // the API answered in this run of the server
	release  ollama.Version // zero until it is known for this run of the server
	pulse    verdict.Pulse
	gpu      evidence.GPUView
	gpuKnown evidence.GPUView // the newest that could be had
	gpuWorks time.Time        // last
	failed   map[string]bool  // GPUs that the driver has given up, or wants something done about

	loaded      []evidence.LoadedModel
	loadedKnown bool
	loadedAt    time.Time // when the list was read last

	lastTraffic time.Time // last first chunk of any live request
}

// forgetServer keeps the container and the engine, which outlive a run of the server.
func (s *sightings) forgetServer() {
	s.tcp, s.api, s.pulse = verdict.Streak{}, verdict.Streak{}, verdict.Pulse{}
	s.loaded, s.loadedKnown, s.answered, s.release = nil, false, false, ollama.Version{}
}

// picture puts all that is known into one value for package verdict.
func (s *supervisor) picture(now time.Time) verdict.Picture {
	p := verdict.Picture{
		Now: now,
		Limit: verdict.Limits{
			FailureThreshold: s.config.FailureThreshold,
			SuccessThreshold: s.config.SuccessThreshold,
			FirstChunk:       s.config.FirstChunkTimeout,
			LoadStall:        s.config.LoadTimeout,
		},
		Container: s.seen.container, ContainerKnown: s.seen.containerKnown,
		EngineAwaySince: s.seen.engineAway, EngineBackAt: s.seen.engineBack, GoneSince: s.seen.goneSince,
		Reached: s.seen.reached, Answered: s.seen.answered,
		TCP: s.seen.tcp, API: s.seen.api, Ready: s.focus().streak, Target: s.readiness.target, Main: s.mainModel(),
		GPUActiveAt: s.seen.gpuWorks,
		Traffic:     s.relay.Traffic(), Pulse: s.seen.pulse,
		Loaded: s.seen.loaded, LoadedKnown: s.seen.loadedKnown,
		LoadSince: s.targetLoads(), PullSince: s.work.pullSince, PullStatus: s.work.pullStatus,
	}
	p.ClockJumpedAt = s.clock.jumpedAt
	s.symptomsIn(&p)
	p.Unfinished = s.owesStart(s.seen.container)
	p.OperatorAct = s.operatorAct(now)
	s.unknownContainer(&p)
	return p
}

// operatorAct says what a person did to the container; empty for nothing, and where it
// is down because of Clawgate.
func (s *supervisor) operatorAct(now time.Time) string {
	if s.owesStart(s.seen.container) {
		return ""
	}
	return s.seen.operator.act(s.seen.container, s.seen.containerKnown, s.seen.goneSince, now)
}

// sign takes what live traffic showed.
func (s *supervisor) sign(sign evidence.Sign) {
	if sign.At.Before(s.calibrated) {
		return // from a run of the server that is over
	}
	target := sign.Model == s.readiness.target
	switch sign.Kind {
	case evidence.SignFirstChunk:
		s.seen.lastTraffic = sign.At
		of := s.models.of(sign.Model)
		of.present, of.answers = true, true
		if sign.Loaded {
			s.view.want(sign.Model)
		}
		s.heardServer(sign.SentAt, sign.At)
		if sign.SentAt.Before(s.role.absence.since) {
			break // it may be the last that the container said
		}
		of.token = sign.At
		if target {
			s.credit(sign)
		}
	case evidence.SignRunnerDied, evidence.SignOutOfMemory:
		s.hinted(sign)
	case evidence.SignOverloaded:
		s.wasRefused(sign)
	case evidence.SignAnswered:
		s.sawAnswer(sign, target)
	case evidence.SignWanted:
		if sign.Model == s.mainModel() { // others' names are whatever clients write
			s.models.of(sign.Model).wanted = sign.At
		}
	case evidence.SignRefused:
		s.kicks.tcp.kick()
		s.kicks.inspect.kick()
	case evidence.SignLoading:
		if sign.Model != "" {
			s.view.want(sign.Model) // its runner is seen to come, if it is one that goes again
		}
	case evidence.SignWaitedLong:
		switch {
		case target || s.machine.State == policy.Recovering:
		case sign.Model == s.mainModel():
			s.turnTo(sign.Model)
		case s.machine.State == policy.Ready:
			s.suspect(sign.Model)
		}
	}
}

// credit counts a live first chunk as a passed readiness probe: no probe shall eat
// the GPU time of users who prove the same. One that came late is no timely success,
// and after a long prompt, or a load, no sign of slowness either.
func (s *supervisor) credit(sign evidence.Sign) {
	of, result := s.focus(), evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, At: sign.At, Took: sign.Took}
	late := sign.Took > s.config.FirstChunkTimeout
	if result.Late = late && of.streak.Last.Late; result.Late {
		result.Reason = of.streak.Last.Reason
	}
	of.count(result)
	if !late || result.Late && !sign.Loaded {
		of.answered(sign.At, late)
	}
	s.sawToken(sign.At)
	s.serverSpoke()
	s.seen.markLoaded(s.readiness.target)
	s.readiness.next = sign.At.Add(s.config.ReadyInterval)
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

// noRoom notes that a model found no memory. Ollama itself makes room and tries
// again once; what it reports is what came of that.
func (s *supervisor) noRoom(sign evidence.Sign) {
	of := s.models.of(sign.Model)
	of.noRoom.add(sign.At, of.run, sign.Detail)
	of.present = false
	s.log.Warn("there was no room for a model", "model", sign.Model, "detail", sign.Detail)
	if sign.Model == s.readiness.target {
		s.seen.loadedKnown = false // it may have lost its place
	}
}

// sawAnswer takes a complete answer. Where a model's answers have nothing in
// them, the probe asks that model next.
func (s *supervisor) sawAnswer(sign evidence.Sign, target bool) {
	of := s.models.of(sign.Model)
	of.sawAnswer(sign.Answer)
	if !sign.Answer.Hollow || !of.hollow.verdict().Suspicious() {
		return
	}
	switch {
	case target:
		s.probeNow(sign.At)
	case s.machine.State == policy.Ready && s.readiness.target == s.mainModel():
		s.turnAside(sign.Model)
	}
}

func (s *sightings) isLoaded(model string) bool {
	return slices.ContainsFunc(s.loaded, func(m evidence.LoadedModel) bool { return m.Name == model })
}

// inMemory says that a model is known to be in memory.
func (s *supervisor) inMemory(model string) bool {
	return s.models.get(model).present || s.seen.loadedKnown && s.seen.isLoaded(model)
}

// markLoaded notes that a model must be in memory, for it answered.
func (s *sightings) markLoaded(model string) {
	if s.loadedKnown && !s.isLoaded(model) {
		s.loaded = append(s.loaded, evidence.LoadedModel{Name: model})
	}
}

// serverSpoke takes back the silence of the API: the server answers other calls, and
// what is slow is one list.
func (s *supervisor) serverSpoke() {
	if api := &s.seen.api; api.Failures > 0 && !api.Last.Answered && !api.Last.Unresolved {
		api.Failures, api.FailingSince = 0, time.Time{}
	}
}
