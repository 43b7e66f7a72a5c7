package policy

import (
	"cmp"
	"reflect"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// entered tells of the state that the machine is in now.
func (k *Keeper) entered(from State) {
	to := k.machine.State
	k.do(Entered{from, to, k.since, k.judgement, k.seen.Generation})
	switch {
	case to == Isolated && k.isolatedAt.IsZero():
		k.isolatedAt = k.since
	case to == Ready:
		k.recovered()
	}
}

// recovered accounts for the way back from isolation.
func (k *Keeper) recovered() {
	if k.isolatedAt.IsZero() {
		return
	}
	r, now := &k.remedy, k.since
	first := r.since
	if first.IsZero() || first.After(k.isolatedAt) {
		first = k.isolatedAt
	}
	rung := NoRung
	if len(r.steps) > 0 {
		r.lastTook, rung = now.Sub(k.isolatedAt), r.rung
	}
	k.do(Recovered{now.Sub(first), now.Sub(k.isolatedAt), r.steps, rung})
	k.isolatedAt, r.since, r.steps = time.Time{}, time.Time{}, nil
}

// judged tells of another verdict.
func (k *Keeper) judged(before, after verdict.Judgement) {
	told := Concluded{Before: before.Verdict, Judgement: after, State: k.machine.State, At: k.judgedAt}
	if since := k.seen.Focused().Streak.FailingSince; verdict.Of(after.Verdict).Fault() && !since.IsZero() {
		told.Took = k.judgedAt.Sub(since)
	}
	k.do(told)
}

func (k *Keeper) probed(result evidence.ProbeResult) { k.do(Probed{result, k.machine.State}) }

// setGate says who may pass, if that has changed.
func (k *Keeper) setGate() {
	gate := GateOf(k.machine, k.aroundGate(), k.turn.now)
	if reflect.DeepEqual(gate, k.gate) {
		return
	}
	k.gate = gate
	k.do(SetGate{gate})
}

// aroundGate puts together what the gate depends on beside the machine.
func (k *Keeper) aroundGate() Around {
	server, about := &k.seen.Server, cmp.Or(k.machine.Target, k.seen.Main)
	return Around{
		Main: k.seen.Main, Sentence: k.judgement.Sentence, Mending: k.remedy.sentence, KeptOut: k.keptOut(), Proved: k.seen.Models.Proved(),
		MainOut: k.mainOut(), LoadFailed: k.seen.Models.Get(about).LoadFailed.String(), SamePlace: k.samePlace(about),
		Heard:   server.Told && (server.API.Failures < k.settings.FailureThreshold || server.API.Last.Missing),
		Missing: server.API.Failures > 0 && server.API.Last.Missing,
		InDoubt: server.Restarted && server.Token.IsZero(), Works: k.worksOnFirstProof(),
		Untroubled:   k.remedy.attempts == 0 && k.machine.Tried == (Attempt{}) && k.isolatedAt.IsZero() && !server.Restarted && k.loads.notBefore.IsZero(),
		RestartWaits: k.restartWaits(),
		Since:        k.since, TroubleSince: k.remedy.since, BackoffEnds: k.remedy.backoff, LastRecovery: k.remedy.lastTook,
		LastLoad: k.loads.lastTook, LoadTimeout: k.settings.LoadTimeout,
		Pull: Pull{Since: k.pull.since, Status: k.pull.status, Done: k.pull.done, Total: k.pull.total},
	}
}

// mainOut closes the main model where Ollama does not have it, or could not load it when
// that was tried last; nil where neither is so.
func (k *Keeper) mainOut() *Closure {
	of, api := k.seen.Models.Get(k.seen.Main), &k.seen.Server.API
	switch {
	case api.Failures > 0 && api.Last.Missing:
		return &Closure{Reason: api.Last.Reason, MayHold: true}
	case !of.LoadFailedAt.IsZero():
		return &Closure{Reason: "the model could not be loaded: " + cmp.Or(of.LoadFailed.String(), "Ollama does not tell why"), MayHold: true}
	}
	return nil
}

// samePlace are the models that have the runner of one, with that one.
func (k *Keeper) samePlace(model string) []string {
	titles := []string{model}
	for _, other := range k.seen.Server.Catalogue.At(k.seen.Server.Catalogue.Titled(model).Place) {
		if other.Title != model {
			titles = append(titles, other.Title)
		}
	}
	return titles
}

// worksOnFirstProof says that a model has been asked for its first token, and that the
// server works.
func (k *Keeper) worksOnFirstProof() bool {
	_, undecided := k.probes.waiting()
	pulse, now := &k.seen.Server.Pulse, k.turn.now
	return (undecided || len(k.turn.Traffic.InFlight) > 0) && k.seen.Focused().Streak.Failures == 0 &&
		pulse.Known(now) && pulse.StillFor(now) < watch.Stillness
}
