package verdict

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Stopped means that a person stopped, killed, paused or removed the container.
const Stopped Verdict = "stopped"

var stoppedRecord = Record{
	Verdict: Stopped,
	Need:    HandsOff,
	Means:   "a person stopped, killed, paused or removed the container, and no other server answers",
	Does:    "nothing, until it is undone",
	Signs:   "a person stopped, killed, paused or removed the container, or no container has the name; and no other server answers at CLAWGATE_OLLAMA_URL",
	Remedy:  "none, until that is undone",
	Never:   "start it; believe a stream that began before",
}

func operatorActed(p Picture) (Judgement, bool) {
	if p.OperatorAct == "" {
		return Judgement{}, false
	}
	return Judgement{Verdict: Stopped, Sentence: "the container " + p.OperatorAct + "; Clawgate leaves it so"}, true
}

// stopUnderWay is for how long a container that was seen running last is taken
// for one that somebody is stopping. A frozen process takes the whole stop timeout to end.
const stopUnderWay = time.Minute

// operatorAct says what a person did, in words that follow "the container"; empty when
// the container runs or ended by itself, and where it is down because of Clawgate.
func operatorAct(container *watch.Container, of Moment) string {
	c, operator := container.Seen, &container.Operator
	if !container.Known || of.Unfinished {
		return ""
	}
	switch c.Status {
	case evidence.Paused:
		return "was paused by hand"
	case evidence.Running:
		if !operator.KilledAt.IsZero() && of.Now.Sub(operator.KilledAt) < stopUnderWay {
			return "is being stopped by hand"
		}
		return ""
	case evidence.Exited, evidence.Dead, evidence.Created:
	default:
		return ""
	}
	if operator.Ended(c) {
		return "was stopped by hand"
	}
	if c.StartError != "" {
		return "" // a start that failed: nobody's wish
	}
	switch c.RestartPolicy {
	case "always", "unless-stopped":
		// The engine brings back what crashed. What it leaves down was stopped
		// with its knowledge; its own pauses show as "restarting".
		if of.Now.Sub(container.GoneSince) >= PolicyWait/2 {
			return "is down although its restart policy would bring it back, so somebody stopped it"
		}
	default:
		if !operator.DiedSeen && c.Status != evidence.Created {
			return "was down before anything was seen of its end, so it is taken for stopped by hand"
		}
		if c.Status == evidence.Created {
			return "was created and never started"
		}
	}
	return ""
}
