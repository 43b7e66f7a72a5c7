package verdict

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Crashed means that the model's runner died; the server is up.
const Crashed Verdict = "crashed"

var crashedRecord = Record{
	Verdict: Crashed, Standing: Failing,
	Need: Reload, Finds: []Need{Wait, Mend, Person}, Meanwhile: Load,
	Means:  "the model's runner died, the server lives: its process is gone without a cause, or the probe is answered with an error (what an error says to a client is a hint and no proof)",
	Does:   "lets Ollama load it again; repeated, the same remedies; after a restart in vain, or for another model than `CLAWGATE_MODEL`, that model is kept out and the others go on",
	Signs:  "the model's runner is gone and nothing explains it, or a probe or a load of Clawgate's own is answered that it died; what an error tells a client is a hint",
	Remedy: "load again; after 3 within 10 min: unload, then restart once; after that the model is kept out and the others go on",
	Never:  "restart for a single crash; believe an error's words, which may be a client's; send a request twice after its first byte",
	Faults: "F5, F24",
}

func runnerCrashed(p Picture) (Judgement, bool) {
	if !runnerDied(p) {
		return Judgement{}, false
	}
	j, crashes := Judgement{Verdict: Crashed, Model: p.Target}, p.Model.Crashes.Times()
	j.Sentence = fmt.Sprintf("the model's runner died %d times within %s, last: %s", len(crashes), watch.CrashWindow, p.Model.Crashes.Detail)
	if len(crashes) == 1 {
		j.Sentence = "the model's runner died: " + p.Model.Crashes.Detail
	}
	switch {
	case len(crashes) < CrashLimit: // Ollama itself loads it again
	case seenBefore(p, crashes):
		j.Need = Wait // the next inspection may show that the container itself has ended
	default:
		inVain := Judgement{Verdict: Crashed, Model: p.Target, Need: Person}
		inVain.Sentence = j.Sentence + "; a restart did not help, so the model is kept out until it loads and answers"
		j.Need, j.Then = Mend, []Then{{After: Restart, Judgement: inVain}}
	}
	return j, true
}

func runnerDied(p Picture) bool { return p.Model.Unresolved(p.Model.Crashes) }

// seenBefore says that the container was last looked at before the last crash:
// its own end, or a person's stop, looks the same to a client.
func seenBefore(p Picture, crashes []time.Time) bool {
	return p.Container.Known && p.Container.Seen.SeenAt.Before(crashes[len(crashes)-1])
}
