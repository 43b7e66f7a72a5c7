package policy

import (
	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// eventTold takes a hint from the engine. What it hints at is looked at at once.
func (k *Keeper) eventTold(event evidence.ContainerEvent) {
	k.debug("engine event", "action", event.Action, "signal", event.Signal, "exit_code", event.ExitCode)
	k.kick(Kick{Inspect: true})
	switch event.Action {
	case evidence.EngineLost:
		return
	case evidence.ActionStart, evidence.ActionResume:
		k.seen.Role.RanMeanwhile(k.turn.now)
	case evidence.ActionOOM:
		k.do(OOMKilled{})
	}
	if !k.remedy.ours() && !k.ownStop(event.At) {
		k.seen.Container.Operator.Saw(event)
		if event.Action == evidence.ActionKill && watch.Ends(event.Signal) {
			k.dropIntent()
		}
	}
}

// inspected takes an inspection. A new identity is a new run of the server:
// all that was seen of the old one is forgotten.
func (k *Keeper) inspected(o watch.Inspected) {
	c, now := &k.seen.Container, k.turn.now
	if o.Err != "" {
		if c.EngineFailed(now, o.Err) {
			k.warn("the container engine cannot be asked; serving goes on, nothing can be healed", "err", o.Err)
		}
		return
	}
	if away := c.EngineAnswered(now); away > 0 {
		k.info("the container engine answers again", "away_for", away)
	}
	before, known, paused := c.Ran, c.Known, c.Seen.Status == evidence.Paused
	c.Inspected(o.Container, now)
	k.seen.Models.Each(func(m *watch.Model) { m.ContainerEnded(o.Container.FinishedAt) })
	found := k.followRole(o)
	if !k.remedy.running { // else the intent is that of the remedy under way
		k.closeIntent(o.Container)
	}
	running := o.Container.Status == evidence.Running && !k.remedy.running
	switch {
	case !known:
		k.do(Adapt{o.Container.Env})
	case running && !o.Container.Equal(before.Identity):
		k.replaced(before, o.Container)
	case running && paused:
		k.info("the container's pause was undone") // what failed meanwhile says nothing about the server
		k.anew()
	}
	if found {
		k.anew()
	}
}

// followRole follows whether the container is the server. It says that another server was
// found beside it: all that was proven before may have been the container's doing.
func (k *Keeper) followRole(o watch.Inspected) (found bool) {
	if k.remedy.running {
		return false
	}
	gone := k.seen.Role.AbsentSince()
	if found = k.seen.Role.Follow(o.Asked, k.turn.now, o.Container); found {
		return true
	}
	if gone != k.seen.Role.AbsentSince() && o.Container.Status != evidence.Running {
		k.kick(Kick{API: true}) // who answers now is another server
	}
	return false
}

// replaced follows a container that was started or made anew by somebody else:
// the engine's restart policy, or a person. It is compared with how it last ran:
// what was seen in between may be half of either.
func (k *Keeper) replaced(before, container evidence.Container) {
	cause := "restarted"
	switch {
	case before.ID != "" && container.ID != before.ID:
		cause = "recreated"
	case container.RestartCount > before.RestartCount:
		cause = "crash"
	}
	k.warn("the container was started, and not by Clawgate", "cause", cause,
		"container_id", container.ID, "started_at", container.StartedAt)
	k.do(ContainerStarted{cause})
	k.seen.Container.Operator = watch.Operator{} // what was done to the run before
	if cause == "crash" && k.apart() != "" {
		// The engine tries again what was not the server. If it is now, the probes tell.
		k.kick(Kick{TCP: true, API: true, Models: true, Inspect: true})
		k.probeNow()
		return
	}
	k.do(Adapt{container.Env})
	k.seen.ContainerStarted()
	k.remedy.tried = Attempts{}
	if cause != "crash" { // somebody may have mended what is wrong; the engine's policy has not
		k.seen.Devices.Forget()
		k.remedy.quietMoments = nil
		k.seen.Models.Each(func(m *watch.Model) { m.Quarantine = watch.Quarantine{} })
	}
	k.anew()
}
