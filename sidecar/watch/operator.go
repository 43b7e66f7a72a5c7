package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// Operator tells a person's act from a crash. The engine reports a "kill"
// before the "die" of a container that somebody stopped or killed, and none
// before that of one that crashed. Clawgate's own stops are not shown to it.
type Operator struct {
	killedAt time.Time
	// stopped says that the container's last end was somebody's wish.
	stopped bool
	// DiedSeen says that the container's last end was reported by an event, so
	// that the absence of a kill means something.
	DiedSeen bool
}

// killToDeath is how long a stop may take between its signal and the end.
const killToDeath = 15 * time.Minute

// stopUnderWay is for how long a container that was seen running last is taken
// for one that somebody is stopping. A frozen process takes the whole stop timeout to end.
const stopUnderWay = time.Minute

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
			w.killedAt, w.DiedSeen = event.At, false
		}
	case evidence.ActionDie:
		w.DiedSeen = true
		w.stopped = !w.killedAt.IsZero() && event.At.Sub(w.killedAt) <= killToDeath
	case evidence.ActionStop:
		w.stopped = true
	case evidence.ActionStart:
		*w = Operator{}
	}
}

// Ended says that a container that does not run was ended by somebody. An inspection
// may come before the event that tells of the end.
func (w *Operator) Ended(c evidence.Container) bool {
	return w.stopped || !w.DiedSeen && !w.killedAt.IsZero() && c.FinishedAt.Sub(w.killedAt) <= killToDeath
}

// Act says what a person did, in words that follow "the container"; empty when
// the container runs or ended by itself.
func (w *Operator) Act(c evidence.Container, known bool, goneSince, now time.Time) string {
	if !known {
		return ""
	}
	switch c.Status {
	case evidence.Paused:
		return "was paused by hand"
	case evidence.Running:
		if !w.killedAt.IsZero() && now.Sub(w.killedAt) < stopUnderWay {
			return "is being stopped by hand"
		}
		return ""
	case evidence.Exited, evidence.Dead, evidence.Created:
	default:
		return ""
	}
	if w.Ended(c) {
		return "was stopped by hand"
	}
	if c.StartError != "" {
		return "" // a start that failed: nobody's wish
	}
	switch c.RestartPolicy {
	case "always", "unless-stopped":
		// The engine brings back what crashed. What it leaves down was stopped
		// with its knowledge; its own pauses show as "restarting".
		if now.Sub(goneSince) >= verdict.PolicyWait/2 {
			return "is down although its restart policy would bring it back, so somebody stopped it"
		}
	default:
		if !w.DiedSeen && c.Status != evidence.Created {
			return "was down before anything was seen of its end, so it is taken for stopped by hand"
		}
		if c.Status == evidence.Created {
			return "was created and never started"
		}
	}
	return ""
}
