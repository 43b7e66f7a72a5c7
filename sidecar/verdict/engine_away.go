package verdict

import "fmt"

// EngineAway means that the container engine does not answer, so nothing can be healed.
const EngineAway Verdict = "engine_away"

var engineAwayRecord = Record{
	Verdict: EngineAway, Standing: Serving,
	Need: Nothing, Unproved: Wait,
	Means:  "Docker does not answer",
	Does:   "goes on serving, heals nothing",
	Signs:  "the container engine does not answer",
	Remedy: "go on serving, heal nothing",
	Never:  "count it as Ollama's failure; act on it afterwards without a fresh look",
	Faults: "F26, F27",
}

// blind turns a verdict that asks for a remedy, or that rests on the container's
// last known state, into EngineAway while the engine does not answer.
func blind(p Picture, j Judgement) Judgement {
	if p.Container.EngineAway.IsZero() {
		return j
	}
	away := fmt.Sprintf("the container engine has not answered for %s", round(p.Now.Sub(p.Container.EngineAway)))
	switch Of(j.Verdict).Standing {
	case Failing:
		return Judgement{Verdict: EngineAway, Model: j.Model, Sentence: j.Sentence + "; " + away + ", so nothing can be healed"}
	case Well, Serving:
		if j.Answers {
			return Judgement{Verdict: EngineAway, Answers: true, Sentence: "the model answers; " + away}
		}
	}
	return j
}
