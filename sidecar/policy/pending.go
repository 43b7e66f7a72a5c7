package policy

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Intent is a restart that was begun, by this Clawgate or by the one before it: the
// container may be down because of it. It is pending until it is closed.
type Intent struct {
	Container evidence.Identity `json:"container"`
	At        time.Time         `json:"at"`
	// StopTakes is for how long the engine may be carrying out the stop, whoever
	// waits for it; 0 where nothing was to be stopped.
	StopTakes time.Duration `json:"stop_takes,omitempty"`
}

// stops says that the container may be about to stop at that time because of the
// intent. The engine's clock may differ from ours by a little.
func (i Intent) stops(at time.Time) bool {
	return at.After(i.At.Add(-clocksDiffer)) && at.Before(i.At.Add(i.StopTakes))
}

const clocksDiffer = 5 * time.Second

// sentStop is a stop of ours that the engine may have taken and that failed. It
// may take effect all the same (moby#22802: the engine gives up on a process that
// the driver holds).
type sentStop struct {
	run  evidence.Identity
	ends time.Time // until when the engine itself may go on with it
	told time.Time // when the engine said that it gave up: no later signal is ours; zero if it did not
}

// cameLate says that the container ended in the very run that was to be stopped.
func (s sentStop) cameLate(c evidence.Container) bool {
	return s.run.ID != "" && c.Status == evidence.Exited && c.Equal(s.run)
}

// pendingFor says that an intent is pending for that run of the container.
func (k *Keeper) pendingFor(run evidence.Identity) bool {
	return k.turn.Intent != nil && k.turn.Intent.Container.Equal(run)
}

// owesStart says that the container is down because of Clawgate: it stopped it and
// did not start it again, or its stop took effect after it was given up and no
// person's was seen since. What is owed is done whatever the budget says.
func (k *Keeper) owesStart(c evidence.Container) bool {
	stopped := c.Status == evidence.Exited && k.pendingFor(c.Identity)
	return (stopped || k.remedy.stop.cameLate(c)) && !k.seen.Container.Operator.Ended(c)
}

// ownStop says that a signal at that time may be Clawgate's: a stop that it, or
// the Clawgate before it, did not live to see the end of.
func (k *Keeper) ownStop(at time.Time) bool {
	intent, stop := k.turn.Intent, k.remedy.stop
	switch {
	case !stop.told.IsZero() && at.After(stop.told) && (intent == nil || intent.Container.Equal(stop.run)):
		return false
	case intent != nil && intent.stops(at):
		return true
	}
	return at.Before(stop.ends)
}

// closeIntent closes a restart that was begun, unless that left the container down,
// or its stop may yet take effect: the engine is at it, or gave up on a process that
// the driver holds, and the model has not answered since. Else somebody has started or
// replaced it.
func (k *Keeper) closeIntent(c evidence.Container) {
	intent := k.turn.Intent
	if intent == nil {
		return
	}
	silent := intent.StopTakes > 0 && !k.seen.Focused().Token.After(intent.At.Add(intent.StopTakes))
	if c.Equal(intent.Container) && (c.Status == evidence.Exited || intent.stops(k.turn.now) || silent) {
		return
	}
	k.info("an earlier restart needs no more", "begun_at", intent.At, "container_status", c.Status)
	k.dropIntent()
}

// dropIntent drops a pending intent: somebody else decides about the container now, and a
// successor has to know that as well.
func (k *Keeper) dropIntent() {
	if k.turn.Intent != nil {
		k.turn.Intent = nil
		k.do(DropIntent{})
	}
}

// noteStop remembers a stop that failed after the engine may have taken it.
func (k *Keeper) noteStop(o watch.RemedyEnded) {
	if !o.StopSent || o.Failure == nil || o.Is(watch.Changed) {
		return
	}
	k.remedy.stop = sentStop{run: k.remedy.run, ends: k.turn.now.Add(evidence.StopGrace)}
	if o.Is(watch.WontDie) {
		k.remedy.stop.told = k.turn.now
	}
}

// sawToken: who was killed does not answer, so that a stop which failed will have no
// effect any more.
func (k *Keeper) sawToken(at time.Time) {
	k.seen.Focused().Gave(at)
	k.seen.Server.Gave(at)
	stop := &k.remedy.stop
	told := !stop.told.IsZero()
	if told && k.pendingFor(stop.run) {
		k.dropIntent()
	}
	if told || at.After(stop.ends) {
		*stop = sentStop{}
	}
}
