package verdict

// ModelMissing means that Ollama does not have the model.
const ModelMissing Verdict = "model_missing"

var modelMissingRecord = Record{
	Verdict: ModelMissing,
	Need:    Pull,
	Means:   "Ollama does not have the model",
	Does:    "pulls it (`CLAWGATE_PULL`)",
	Signs:   "the API answers and does not list the model at all",
	Remedy:  "pull it if CLAWGATE_PULL allows",
	Never:   "restart, whatever the pull says (a full disk above all)",
	Faults:  "F25",
}

func modelMissing(p Picture) (Judgement, bool) {
	if !p.PullSince.IsZero() {
		return Judgement{Verdict: ModelMissing, Sentence: "the model is being pulled: " + p.PullStatus}, true
	}
	if p.Server.API.Failures == 0 || !p.Server.API.Last.Missing {
		return Judgement{}, false
	}
	return Judgement{Verdict: ModelMissing, Sentence: p.Server.API.Last.Reason}, true
}
