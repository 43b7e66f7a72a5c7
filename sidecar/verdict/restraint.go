package verdict

import (
	"fmt"
	"time"
)

const (
	// afterJump is how long no remedy is begun after the wall clock jumped: what
	// depends on it may look like a fault (faults.md F29).
	afterJump = time.Minute
	// startsTried and stopsTried are how often the engine may fail at the same
	// thing before it is a person's.
	startsTried = 5
	stopsTried  = 2
)

// restrained holds a remedy back that cannot help or would make things worse,
// and says what a person has to do instead.
func restrained(p Picture, j Judgement) Judgement {
	if !j.Need.Remedy() {
		return j
	}
	if !p.Taken.ClockJumpedAt.IsZero() && p.Now.Sub(p.Taken.ClockJumpedAt) < afterJump {
		j.Need = "" // what it needs while no remedy is due
		j.Sentence += "; the clock has jumped, so this is looked at again"
		return j
	}
	forbidden := startForbidden(p)
	switch {
	case p.Apart != "": // an unload would be for the server, and a restart of another container
		forbidden = RestartForbidden(p)
	case !j.ServerGone:
		forbidden = RestartForbidden(p)
		unload := j.Model != "" && !p.Taken.Unloaded && !p.Taken.Restarted // it comes first
		if unload || j.Need == MakeRoom {
			return j // neither is a restart
		}
	}
	if forbidden == "" {
		return j
	}
	held := Judgement{Verdict: HostAction, Answers: j.Answers, ServerGone: j.ServerGone, Behind: j.Verdict, Model: j.Model, Sentence: j.Sentence + "; " + forbidden}
	switch {
	case j.Need == MendWhenQuiet: // the model goes on answering
	case p.Taken.NoBudget == forbidden:
		held.Need = MendWithBudget
	default:
		held.Need = Person
	}
	return held
}

// RestartForbidden says why the container must not be stopped now, and what a
// person has to do; empty if it may be. Whoever is about to restart it asks once
// more: one remedy may follow another without a verdict in between.
func RestartForbidden(p Picture) string {
	switch {
	case p.Apart != "":
		return "nothing is healed: " + p.Apart
	case (p.Card.Mismatch || p.Card.View.Mismatch) && p.Container.GPURequested:
		return "no restart: the NVIDIA driver and its library do not match, and a container that is stopped now would not start again; reboot the host or reload the driver"
	case deviceTrouble(p) != "" && !restartMayHelp(p):
		return "no restart: " + deviceTrouble(p) + "; " + whatTheHostNeeds(p)
	case p.Taken.FailedStops >= stopsTried:
		return fmt.Sprintf("no restart: the container did not stop %d times (%s); look for a process in state D", p.Taken.FailedStops, p.Taken.LastError)
	}
	return p.Taken.NoBudget
}

func startForbidden(p Picture) string {
	if p.Taken.FailedStarts < startsTried {
		return p.Taken.NoBudget
	}
	return fmt.Sprintf("it did not start %d times (%s); a person has to look", p.Taken.FailedStarts, p.Taken.LastError)
}
