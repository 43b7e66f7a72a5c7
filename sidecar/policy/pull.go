package policy

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// pull is one of the main model that is under way; since is zero without one.
type pull struct {
	since  time.Time
	status string
	done   int64 // bytes
	total  int64
	again  time.Time // no pull before; after one that changed nothing
}

// pullPause is the time between two pulls that both succeeded: what Ollama
// does not list after it has pulled it is missing all the same.
const pullPause = 5 * time.Minute

// beginPull fetches the model that Ollama lacks.
func (k *Keeper) beginPull() {
	now := k.turn.now
	if k.machine.Passive || !k.settings.Pull || !k.pull.since.IsZero() || now.Before(k.loads.notBefore) || now.Before(k.pull.again) {
		return
	}
	if !k.allowance.pulls.AllowN(now, 1) {
		return
	}
	k.pull.since, k.pull.status = now, "starting"
	k.info("pulling the model", "model", k.settings.Model)
	k.do(PullMain{k.seen.Generation})
}

func (k *Keeper) pullMoved(o watch.PullMoved) {
	before := k.pull.percent()
	k.pull.status = o.Status
	if o.Total > 0 {
		k.pull.done, k.pull.total = o.Completed, o.Total
		k.pull.status = fmt.Sprintf("%s: %d %%", o.Status, k.pull.percent())
	}
	if now := k.pull.percent(); now/10 != before/10 {
		k.info("pull progress", "model", k.settings.Model, "status", o.Status, "percent", now)
	}
}

// percent is of the layer that is being fetched; a model's weights are one.
func (p *pull) percent() int64 {
	if p.total <= 0 {
		return 0
	}
	return 100 * p.done / p.total
}

func (k *Keeper) pullEnded(err string) {
	now := k.turn.now
	k.pull = pull{again: k.pull.again}
	k.kick(Kick{API: true, Models: true})
	if err != "" {
		k.error("cannot pull the model", "err", err)
		k.loads.notBefore = now.Add(k.settings.RecheckInterval)
		k.handle(Event{Kind: LoadFailed})
		return
	}
	k.info("the model is pulled", "model", k.settings.Model)
	k.pull.again = now.Add(pullPause)
	api := &k.seen.Server.API
	api.Failures, api.Last.Missing = 0, false
	k.probeNow()
}
