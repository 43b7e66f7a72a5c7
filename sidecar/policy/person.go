package policy

import (
	"errors"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// ErrRecovering refuses a restart by hand while a remedy is under way.
var ErrRecovering = errors.New("a remedy is under way already")

// asked takes what a person asks for.
func (k *Keeper) asked(seen watch.Observation) {
	switch o := seen.(type) {
	case watch.PauseAsked: // the person knows better
		k.paused = &o.Reason
		k.handle(Event{Kind: Paused})
		k.operated("pause", o.Reason)
	case watch.ResumeAsked:
		k.paused = nil
		k.handle(Event{Kind: Resumed, Observe: k.settings.Observe})
		k.operated("resume", "")
	case watch.RestartAsked:
		k.operated("restart", "")
		k.handle(Event{Kind: RestartRequested, Judgement: k.judgement})
	}
}

func (k *Keeper) operated(call, reason string) {
	k.do(Operated{call, reason, k.machine.State, k.turn.now})
}

// MayRestart says why a restart that a person asks for cannot be; nil where it can. It is
// charged to the budget, but not stopped by it.
func (k *Keeper) MayRestart(now time.Time, in Inputs) error {
	k.turn = turn{Inputs: in, now: now}
	c := &k.seen.Container
	switch reason := k.misnamed(); {
	case k.machine.State == Recovering:
		return ErrRecovering
	case !c.EngineAway.IsZero():
		return errors.New("the container engine does not answer: " + c.EngineError)
	case reason != "":
		return errors.New("nothing is restarted: " + reason)
	case c.Seen.Status == evidence.Paused:
		return errors.New("the container is paused: unpause it first")
	}
	return nil
}
