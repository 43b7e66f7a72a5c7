package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// modelsTold takes what the names of models stand for from now on.
func (k *Keeper) modelsTold(o watch.ModelsTold) {
	there := k.seen.Server.IsLoaded(k.seen.Focus)
	renamed, remade := k.seen.Learn(o.Catalogue)
	k.rename(renamed)
	for _, title := range remade {
		k.remade(title)
	}
	if !there && k.seen.Server.IsLoaded(k.seen.Focus) { // it was in memory by another name
		k.probeNow()
	}
}

// rename has all that is under way about a model go by its new title. The main model is
// whatever has its name.
func (k *Keeper) rename(to map[string]string) {
	if len(to) == 0 {
		return
	}
	titles := []*string{
		&k.seen.Focus, &k.machine.Target, &k.machine.Tried.Model, &k.judgement.Model,
		&k.loads.model, &k.loads.lasting.model, &k.seen.Refused.Model,
	}
	for i := range k.loads.restore {
		titles = append(titles, &k.loads.restore[i].Name)
	}
	for _, a := range k.probes.open {
		titles = append(titles, &a.target)
	}
	for _, title := range titles {
		if now, changed := to[*title]; changed && *title != k.seen.Main {
			*title = now
		}
	}
	k.debug("models go by other names", "now", to)
}

// remade begins anew with a name that stands for another model: nothing is known of that
// one yet, and the trouble was the other's.
func (k *Keeper) remade(title string) {
	k.info("the name stands for another model now", "model", title)
	if title == k.seen.Focus {
		k.probes.supersede()
		k.forgetProof()
		k.probeNow()
	}
	if l := &k.loads; l.model == title || title == k.seen.Main {
		l.notBefore, l.lasting = time.Time{}, lasting{}
	}
	if title != k.seen.Main || !slices.Contains([]string{"", title}, k.machine.Target) {
		return
	}
	switch k.machine.State {
	case Exhausted:
		k.handle(Event{Kind: SetAside})
	case Backoff:
		k.remedy.backoff = k.turn.now
	}
}
