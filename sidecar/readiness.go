package sidecar

import (
	"context"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// readiness plans the third probe, which looks at one model at a time.
type readiness struct {
	target string    // normalised
	turned time.Time // when it was chosen; zero for the main model from the start
	next   time.Time
	asked  time.Time // when the last attempt began
	open   []*attempt
	gaveUp time.Time // on the last attempt
	// anyway has the next attempt ask the model although it is not listed.
	anyway bool
}

// attempt is one readiness probe that has not been answered. It stays open after
// it has counted as a failure, so that a late answer is still heard: slow is
// not dead.
type attempt struct {
	began    time.Time
	waitsFor string // what was missing when it became overdue; empty before
	counted  bool
	unlisted bool // the model is asked although it may not be listed
	// moot says that nothing that it brings counts any more. It stays open all
	// the same until its answer has come to the end: an Ollama whose client
	// leaves in mid-answer can lose the slot for ever (see probe.Ready).
	moot   bool
	cancel context.CancelFunc
}

// cancelAll calls off what is open. Only what is being mended may be left like
// that.
func (r *readiness) cancelAll() {
	for _, a := range r.open {
		a.cancel()
	}
	r.open = nil
}

// settle makes all that is open moot: the question is answered, or another one.
func (r *readiness) settle() {
	for _, a := range r.open {
		a.moot = true
	}
}

// close takes an attempt that has ended off the list.
func (r *readiness) close(ended *attempt) {
	r.open = slices.DeleteFunc(r.open, func(a *attempt) bool { return a == ended })
}

// waiting counts the attempts whose answer would count; undecided says that one
// of them has not counted as a failure yet.
func (r *readiness) waiting() (attempts int, undecided bool) {
	for _, a := range r.open {
		if !a.moot {
			attempts++
			undecided = undecided || !a.counted
		}
	}
	return attempts, undecided
}

const (
	// patience is how long an attempt that has counted as a failure is still heard
	// where others wait with it.
	patience = time.Minute
	// mostOpen attempts are waited for, heard or not.
	mostOpen = 12
)

// giveUp hears the oldest attempt no longer, one in a while, so that there is always
// room for a new one: what Ollama has lost never ends, and the model may answer
// again all the same.
func (r *readiness) giveUp(now time.Time) {
	if now.Sub(r.gaveUp) < patience {
		return
	}
	if i := slices.IndexFunc(r.open, func(a *attempt) bool { return a.counted && !a.moot && now.Sub(a.began) >= patience }); i >= 0 {
		r.open[i].moot, r.gaveUp = true, now
	}
	if len(r.open) > mostOpen {
		r.open[0].cancel()
	}
}

// asksSince says that an attempt began after that time and has decided nothing yet.
func (r *readiness) asksSince(at time.Time) bool {
	return slices.ContainsFunc(r.open, func(a *attempt) bool { return !a.moot && !a.counted && a.began.After(at) })
}

// probeNow makes the next look due at once.
func (s *supervisor) probeNow(now time.Time) { s.readiness.next = now }

// planReadiness judges the attempts that are overdue, and sends the next one
// when it is due and there is no reason to leave the model alone.
func (s *supervisor) planReadiness(p verdict.Picture) {
	s.judgeOverdue(p)
	s.readiness.giveUp(p.Now)
	model, waits := verdict.ClientWaits(p)
	attempts, undecided := s.readiness.waiting()
	hurry := waits && model == p.Target && !undecided && s.focus().streak.Failures == 0
	if hurry && p.Now.Sub(s.readiness.asked) >= s.config.RecheckInterval { // no loop while probes decide nothing
		s.probeNow(p.Now)
	}
	if p.Now.Before(s.readiness.next) || undecided || attempts > s.config.FailureThreshold {
		return
	}
	if reason := s.leaveAlone(p); reason != "" {
		s.focus().streak.Doubt = reason
		s.readiness.next = p.Now.Add(s.config.RecheckInterval)
		return
	}
	if s.paces.probes.AllowN(p.Now, 1) {
		s.attempt(p)
	}
}

func (s *supervisor) judgeOverdue(p verdict.Picture) {
	for _, a := range s.readiness.open {
		if a.waitsFor == "" || a.counted || a.moot {
			continue
		}
		if a.waitsFor == probe.WaitsForList && s.serverStarts(p.Now) {
			continue
		}
		result := verdict.Silence(p, a.began, a.waitsFor)
		a.counted = result.Outcome == evidence.Failure
		result.Server = a.waitsFor == probe.WaitsForList
		s.focus().count(result)
		if a.counted {
			s.report.probed(s, result)
			s.readiness.next = a.began.Add(s.config.RecheckInterval)
		}
	}
}

// startingRecheck is the pause between looks at a server that has just started:
// users wait for it.
const startingRecheck = 500 * time.Millisecond

// serverStarts says that the server has not answered yet and still may take its
// time: it listens before it has found its GPUs.
func (s *supervisor) serverStarts(now time.Time) bool {
	return !s.seen.answered && s.seen.containerKnown && s.apart(now) == "" && now.Sub(s.seen.container.StartedAt) < verdict.ServerStart
}

// attempt sends one readiness probe. The next is due after the interval, or
// after the shorter one once this has failed.
func (s *supervisor) attempt(p verdict.Picture) {
	ctx, cancel := context.WithCancel(s.run)
	a := &attempt{began: p.Now, cancel: cancel, unlisted: s.asksUnlisted(p)}
	s.readiness.asked, s.readiness.anyway = p.Now, false
	if s.asksInDoubt(p) {
		s.view.askedBeside = p.Now
	}
	s.readiness.open = append(s.readiness.open, a)
	s.readiness.next = p.Now.Add(s.config.ReadyInterval)
	target := s.readiness.target
	spec := s.readySpec(target)
	spec.Unlisted = a.unlisted
	visit, asked := s.view.ledger.Begin(runners.Ask{Model: target, Own: true}, p.Now), s.view.ledger.Mark()
	s.spawn(func(_ context.Context, post func(func())) {
		defer cancel()
		result, rest := probe.Ready(ctx, s.client, spec,
			func(seen probe.Sighting) { post(func() { s.sawLoaded(seen.Loaded, asked) }) },
			func(waitsFor string) { post(func() { a.waitsFor = waitsFor }) })
		loaded := result.Outcome == evidence.Success && visit.Served()
		if result.Late && visit.LoadExplains() {
			result.Late, result.Loaded = false, true
		}
		if result.Unloaded || result.Server {
			visit.Refused() // it was not asked
		}
		post(func() {
			if loaded {
				s.view.want(target)
			}
			s.answered(a, target, result)
		})
		rest()
		visit.End(time.Now())
		post(func() { s.readiness.close(a) })
	})
}

func (s *supervisor) readySpec(target string) probe.ReadySpec {
	model := target
	if target == s.mainModel() {
		model = s.config.Model
	}
	spare := ""
	if s.resting(time.Now()) {
		spare = "the model's keep-alive has passed; a probe would keep it in memory"
	}
	return probe.ReadySpec{
		Spare: spare, Varied: s.models.of(target).hollow.verdict().Suspicious(),
		Path: s.config.ReadyPath, Prompt: s.config.ReadyPrompt, Pattern: s.config.ReadyPattern, Model: model,
		FirstChunk: s.config.FirstChunkTimeout, ListTimeout: s.config.APITimeout + s.config.FirstChunkTimeout,
		Options: s.options.of,
	}
}

// sawLoaded takes the list of loaded models, which was asked for at a mark.
func (s *supervisor) sawLoaded(loaded []evidence.LoadedModel, asked runners.Mark) {
	s.view.ledger.SawList(stays(loaded), asked)
	s.view.unlisted = false
	if !s.seen.answered { // what it did not answer until now was its start
		s.seen.api = verdict.Streak{}
		s.kicks.api.kick()
	}
	s.seen.loaded, s.seen.loadedKnown, s.seen.answered = loaded, true, true
	s.seen.loadedAt = time.Now()
	s.models.sawLoaded(loaded)
	s.work.lasting.sawLoaded(s.seen.loadedAt, s.seen.isLoaded)
	if s.focus().streak.Failures > 0 && s.focus().streak.Last.Server {
		s.focus().streak = verdict.Streak{} // it was the server that was silent, and now it speaks
	}
	if s.seen.tcp.Failures > 0 { // an answer is news to the probes that found none
		s.kicks.tcp.kick()
	}
	if s.seen.api.Failures > 0 {
		s.kicks.api.kick()
	}
	s.serverSpoke()
}

// stays are how long models stay in memory if nobody uses them.
func stays(loaded []evidence.LoadedModel) []runners.Stay {
	list := make([]runners.Stay, 0, len(loaded))
	for _, m := range loaded {
		list = append(list, runners.Stay{Name: m.Name, For: m.ExpiresAt.Sub(m.SeenAt)})
	}
	return list
}

// answered takes the end of an attempt. An attempt that was called off, or whose
// failure has counted already, moves nothing.
func (s *supervisor) answered(a *attempt, target string, result evidence.ProbeResult) {
	moot := a.moot || a.counted && result.Outcome != evidence.Success
	a.moot = true
	if moot {
		return
	}
	if result.Outcome == evidence.Failure && result.Server && s.serverStarts(result.At) {
		s.focus().streak.Doubt = "the server has just started: " + result.Reason
		s.readiness.next = result.At.Add(startingRecheck)
		return
	}
	s.focus().count(result)
	s.report.probed(s, result)
	s.heard(target, result)
	if result.Crash {
		s.died(evidence.Sign{Kind: evidence.SignRunnerDied, Model: target, At: result.At, Detail: result.Reason})
	}
	switch result.Outcome {
	case evidence.Success:
		s.heardServer(a.began, result.At)
		if a.unlisted {
			s.seen.markLoaded(target) // whatever the list says
		}
		s.sawToken(result.At)
		s.serverSpoke()
		s.readiness.settle()
		s.readiness.next = a.began.Add(s.config.ReadyInterval)
		if s.focus().streak.Successes < s.config.SuccessThreshold {
			s.probeNow(result.At)
		}
		if target != s.mainModel() {
			s.turnTo(s.mainModel())
		}
	case evidence.Failure:
		s.readiness.next = a.began.Add(s.config.RecheckInterval)
	default:
		s.readiness.next = result.At.Add(s.config.RecheckInterval)
		if s.readiness.anyway { // this one did not, and the next one will
			s.probeNow(result.At)
		}
		if target != s.mainModel() && s.machine.State == policy.Ready { // else it is that model which is being mended
			s.turnTo(s.mainModel())
		}
	}
}

// heard takes what a probe's answer tells beside its being there.
func (s *supervisor) heard(target string, result evidence.ProbeResult) {
	of := s.models.of(target)
	switch {
	case result.Hollow:
		of.hollow.confirmed = result.Reason
	case result.Outcome == evidence.Success:
		if !result.Loaded {
			of.answered(result.At, result.Late)
		}
		of.hollow = hollowCount{again: of.hollow.again && !of.hollow.verdict().Suspicious()}
	}
}
