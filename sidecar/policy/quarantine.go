package policy

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const (
	// firstQuarantine is how long a model whose runner died again and again is
	// kept out; each further time is twice as long, up to the longest.
	firstQuarantine   = 10 * time.Minute
	longestQuarantine = 2 * time.Hour
)

// keepOut leaves a model to a person, for a while that is longer each time.
func (k *Keeper) keepOut(model string, from time.Time, name verdict.Verdict, because string) {
	of := k.seen.Models.Of(model)
	lasts := min(max(firstQuarantine, 2*of.Quarantine.Lasts), longestQuarantine)
	of.Quarantine = watch.Quarantine{
		Until: from.Add(lasts), Lasts: lasts, Reason: fmt.Sprintf("this model is kept out for %s, because %s", lasts, because),
	}
	of.Hollow.LookAgain() // it is asked again before it is kept out again
	k.do(Quarantined{model, name, of.Quarantine.Reason, k.machine.State, k.turn.now})
}

// setAside leaves a model that nothing has mended to a person, if it is not the
// one that Clawgate is there for: that one has to be looked at again, and to prove
// itself before its gate opens.
func (k *Keeper) setAside() {
	model := k.machine.Target
	if k.machine.State != Exhausted || model == "" || model == k.seen.Main || k.machine.Passive {
		return
	}
	k.keepOut(model, k.turn.now, k.judgement.Verdict, k.judgement.Sentence)
	if k.seen.FocusOnOther() {
		k.focusOn(k.seen.Main)
	}
	k.handle(Event{Kind: SetAside})
}

// keptOut are the models in quarantine.
func (k *Keeper) keptOut() map[string]Closure {
	var out map[string]Closure
	for model, of := range k.seen.Models.Named() {
		if !k.turn.now.Before(of.Quarantine.Until) {
			continue
		}
		if out == nil {
			out = map[string]Closure{}
		}
		out[model] = Closure{Reason: of.Quarantine.Reason, ExpectedOpen: of.Quarantine.Until}
	}
	return out
}
