package verdict

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Down means no server: its container ended by itself, or nothing listens.
const Down Verdict = "down"

var downRecord = Record{
	Verdict: Down, Standing: Failing,
	Need: Wait, Finds: []Need{Mend},
	Means:  "the container ended by itself, or nobody listens",
	Does:   "waits for Docker's policy, then starts or restarts it",
	Signs:  "nothing listens, or the container has ended by itself",
	Remedy: "wait for the engine's restart policy, then start",
	Never:  "start what a person stopped",
	Faults: "F22, F23, F28",
}

func containerGone(p Picture) (Judgement, bool) {
	if !p.Container.Known || !p.Container.EngineAway.IsZero() || p.Container.Seen.Status == evidence.Running {
		return Judgement{}, false
	}
	c := p.Container.Seen
	if c.Status == evidence.Absent {
		return Judgement{Verdict: Stopped, Sentence: fmt.Sprintf("no container is called %q (CLAWGATE_CONTAINER), and no server answers", c.Name)}, true
	}
	j := Judgement{Verdict: Down, ServerGone: true, Sentence: fmt.Sprintf("the container is %s with exit code %d", c.Status, c.ExitCode)}
	if c.OOMKilled {
		j.Sentence += ", killed for memory"
	}
	if c.StartError != "" {
		j.Sentence += ": " + c.StartError
	}
	wait := PolicyWait
	if c.RestartPolicy == "" || c.RestartPolicy == "no" || c.Status == evidence.Created || c.StartError != "" {
		wait = NoPolicyWait // a start that failed is not tried again by the policy (moby#37637)
	}
	if c.Status != evidence.Removing && (p.Unfinished || p.Now.Sub(p.Container.GoneSince) >= wait) {
		j.Need = Mend
	}
	return j, true
}

// refusedFor is how long connections have to be refused: every request that is
// refused has the port looked at, so that failures may come in the same instant. An
// inspection has to show meanwhile that it is not the container that ended.
const refusedFor = 5 * time.Second

// nobodyListens asks for a remedy only where somebody listened before: an
// address that never answered is more likely a mistake in CLAWGATE_OLLAMA_URL,
// and a restart of the working server elsewhere would be the second one. A name
// that cannot be resolved is the network's trouble, and no restart mends that.
func nobodyListens(p Picture, starting bool) Judgement {
	j := Judgement{Verdict: Down, Sentence: p.Server.TCP.Last.Reason}
	switch {
	case !p.Server.Reached:
		j.Sentence += "; nobody ever answered there, is CLAWGATE_OLLAMA_URL right?"
	case p.Container.Known && !starting && !p.Server.TCP.Last.Unresolved && p.Server.TCP.Failures >= p.Limit.FailureThreshold:
		j.Need = mendUnless(p.Now.Sub(p.Server.TCP.FailingSince) < refusedFor || !p.Container.Seen.SeenAt.After(p.Server.TCP.FailingSince))
	}
	return j
}
