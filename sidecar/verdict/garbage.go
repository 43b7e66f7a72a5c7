package verdict

import (
	"fmt"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Garbage means that answers come, and there is nothing in them.
const Garbage Verdict = "garbage"

var garbageRecord = Record{
	Verdict: Garbage, Standing: Failing,
	Need: Wait, Finds: []Need{Mend, Person}, Meanwhile: Load,
	Means:  "answers with nothing in them, to users and to the probe",
	Does:   "loads the model again; if they come back, keeps it out",
	Signs:  "3 complete answers to 2 prompts with nothing in them, and the probe gets the same",
	Remedy: "unload and load again; if it comes back the model is kept out",
	Never:  "act on one empty answer",
	Faults: "F9",
}

// hollowAnswers from hollowPrompts prompts are reason to ask the model oneself:
// one empty answer may be right, and one prompt may be what breaks it.
const (
	hollowAnswers = 3
	hollowPrompts = 2
)

// Suspicious says that the next probe should look at what the model says. A model
// that was loaded again for it stays so until a probe has found words.
func Suspicious(h watch.Hollow) bool {
	return h.Again || h.Answers >= hollowAnswers && len(h.Prompts) >= hollowPrompts
}

// saysNothing says that the probe met what the users met.
func saysNothing(h watch.Hollow) bool { return Suspicious(h) && h.Confirmed != "" }

// garbage is seen twice, by users and by the probe. Loading the model again has
// helped; a second time it is kept out.
func garbage(p Picture) (Judgement, bool) {
	if !saysNothing(p.Model.Hollow) {
		return Judgement{}, false
	}
	j := Judgement{Verdict: Garbage, Model: p.Target, Need: Mend}
	j.Sentence = "the probe's answer had nothing in it: " + p.Model.Hollow.Confirmed
	if p.Model.Hollow.Answers > 0 {
		j.Sentence = fmt.Sprintf("%d answers to %d prompts had nothing in them, and neither had the probe's: %s", p.Model.Hollow.Answers, len(p.Model.Hollow.Prompts), p.Model.Hollow.Confirmed)
	}
	if p.Model.Hollow.Again {
		j.Need = Person
		j.Sentence += "; loading the model again did not help, so it is kept out"
	}
	return j, true
}
