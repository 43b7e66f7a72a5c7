package policy

import (
	"reflect"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
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
	return Around{
		Main: k.seen.Main, API: k.seen.Server.API, Sentence: k.judgement.Sentence, Mending: k.remedy.sentence, KeptOut: k.keptOut(),
		Since: k.since, TroubleSince: k.remedy.since, BackoffEnds: k.remedy.backoff, LastRecovery: k.remedy.lastTook, LastLoad: k.loads.lastTook,
		Pull: Pull{Since: k.pull.since, Status: k.pull.status, Done: k.pull.done, Total: k.pull.total},
	}
}
