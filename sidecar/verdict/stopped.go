package verdict

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
