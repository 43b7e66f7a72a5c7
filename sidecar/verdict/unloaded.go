package verdict

import "time"

// Unloaded means that the server is up and the model is not in memory.
const Unloaded Verdict = "unloaded"

var unloadedRecord = Record{
	Verdict: Unloaded,
	Need:    Load,
	Means:   "the server is up, the model is not in memory",
	Does:    "loads it, unless somebody else's model is in use",
	Signs:   "the API answers and does not list the model as loaded",
	Remedy:  "load it if CLAWGATE_KEEP_ALIVE pins it and nobody uses the GPU",
	Never:   "evict a model in use; count an unload as a crash",
	Faults:  "F14",
}

func modelUnloaded(p Picture) (Judgement, bool) {
	if !p.Server.LoadedKnown || p.Server.IsLoaded(p.Target) {
		return Judgement{}, false
	}
	var asked time.Time // by the request that has waited longest
	for _, r := range p.Traffic.InFlight {
		if r.Model == p.Target && (asked.IsZero() || r.SentAt.Before(asked)) {
			asked = r.SentAt
		}
	}
	if asked.IsZero() {
		return Judgement{Verdict: Unloaded, Model: p.Target, Sentence: "the model is not in memory"}, true
	}
	return loading(p, asked, "a request makes Ollama load the model"), true
}
