package policy

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// answersWithin is how long a probe takes to be answered or to count as a failure,
// unless the server works.
const answersWithin = 10 * time.Second

// suspect turns the readiness probe to another model whose clients wait. It
// turns back once that model has answered, or its trouble is over.
func (k *Keeper) suspect(model string) {
	if model == "" || verdict.InCloud(model) || k.seen.Focused().Streak.Failures > 0 || k.probes.asksSince(k.turn.now.Add(-answersWithin)) {
		return // nobody knows which it is, nothing here keeps it waiting, or the model that is looked at has its say first
	}
	if waits, found := verdict.ClientWaits(k.picture()); !found || waits != model {
		return
	}
	k.focusOnOther(model)
}

// servesOthers says that other models than the main one are served: it is well, or it is
// not there to be looked at.
func (k *Keeper) servesOthers() bool {
	return k.machine.State == Ready || k.mainOut() != nil && k.machine.awaitsMain() && k.gate.All == nil
}

// focusOnOther turns the probe to a model beside the main one. Clients give the reasons
// for that, and not the pace.
func (k *Keeper) focusOnOther(model string) {
	if k.allowance.turns.AllowN(k.turn.now, 1) {
		k.focusOn(model)
	}
}

// focusOn has the probe look at a model. What other probes bring counts no more.
func (k *Keeper) focusOn(model string) {
	k.probes.supersede()
	k.seen.LookAt(model)
	k.probes = k.probes.turned(k.turn.now)
	k.info("the readiness probe looks at another model", "model", model)
}

// focusOnMain leaves another model of which nothing is found out in a while: who works
// long for its clients keeps its probe waiting, and the main model unlooked at. At
// once if the GPU came into question meanwhile.
func (k *Keeper) focusOnMain() {
	turned := k.probes.turnedAt
	switch {
	case !k.seen.FocusOnOther() || k.machine.State == Recovering:
		return
	case k.seen.Devices.DoubtedAt.After(turned):
	case k.machine.State == Isolated && k.machine.Draining(), k.seen.Focused().Streak.Failures > 0, k.turn.now.Sub(turned) < besideSilence:
		return
	}
	if k.machine.State == Verifying { // its next client will tell
		k.warn("a model that was mended has not proved itself yet", "model", k.seen.Focus)
		k.isolatedAt, k.remedy.since, k.remedy.steps = time.Time{}, time.Time{}, nil
	}
	k.focusOn(k.seen.Main)
}

// focusOnWaiting turns the probe to a model whose clients wait in a still server, once in
// a while: the sign of a request that waits long may have come too early for that.
func (k *Keeper) focusOnWaiting() {
	if k.seen.FocusOnOther() || !k.servesOthers() || k.turn.now.Sub(k.probes.turnedAt) < besideSilence {
		return
	}
	model, waits := verdict.ClientWaits(k.picture())
	if waits && model != k.seen.Main && k.seen.Models.Get(model).Answers { // else it may be a load that takes its time
		k.suspect(model)
	}
}
