package verdict

// VRAMLeak means that the container holds GPU memory that no loaded model accounts for.
const VRAMLeak Verdict = "vram_leak"

var vramLeakRecord = Record{
	Verdict: VRAMLeak, Standing: Serving,
	Need: Nothing, Finds: []Need{MendWhenQuiet},
	Means:  "the container holds GPU memory that no model accounts for",
	Does:   "restarts at a quiet moment, once",
	Signs:  "for a minute (ten under load), Ollama's processes beyond one for each loaded model hold more GPU memory than CLAWGATE_LEAK_TOLERANCE",
	Remedy: "restart at a quiet moment, once",
	Never:  "count other programs' memory; end a process",
	Faults: "F15",
}

func leaking(p Picture) (Judgement, bool) {
	if !p.Card.Leak.Lasts(p.Now) {
		return Judgement{}, false
	}
	return Judgement{Verdict: VRAMLeak, Need: MendWhenQuiet, Sentence: p.Card.Leak.sentence(p.Now)}, true
}
