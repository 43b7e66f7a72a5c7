package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Operator tells a person's act from a crash. The engine reports a "kill"
// before the "die" of a container that somebody stopped or killed, and none
// before that of one that crashed. Clawgate's own stops are not shown to it.
type Operator struct {
	KilledAt time.Time // when somebody sent it a signal that ends it; zero if nobody did
	// stopped says that the container's last end was somebody's wish.
	stopped bool
	// DiedSeen says that the container's last end was reported by an event, so
	// that the absence of a kill means something.
	DiedSeen bool
}

// killToDeath is how long a stop may take between its signal and the end.
const killToDeath = 15 * time.Minute

// Ends says that a signal is one that ends Ollama: not SIGHUP and the like.
func Ends(signal string) bool {
	switch signal {
	case "", "2", "3", "9", "15", "SIGINT", "SIGQUIT", "SIGKILL", "SIGTERM":
		return true
	}
	return false
}

// Saw takes an event of the engine's that is not of Clawgate's own doing.
func (w *Operator) Saw(event evidence.ContainerEvent) {
	switch event.Action {
	case evidence.ActionKill:
		if Ends(event.Signal) {
			w.KilledAt, w.DiedSeen = event.At, false
		}
	case evidence.ActionDie:
		w.DiedSeen = true
		w.stopped = !w.KilledAt.IsZero() && event.At.Sub(w.KilledAt) <= killToDeath
	case evidence.ActionStop:
		w.stopped = true
	case evidence.ActionStart:
		*w = Operator{}
	}
}

// Ended says that a container that does not run was ended by somebody. An inspection
// may come before the event that tells of the end.
func (w *Operator) Ended(c evidence.Container) bool {
	return w.stopped || !w.DiedSeen && !w.KilledAt.IsZero() && c.FinishedAt.Sub(w.KilledAt) <= killToDeath
}
