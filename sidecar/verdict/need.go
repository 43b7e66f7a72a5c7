package verdict

// Need is what a judgement calls for. Whoever acts asks for nothing else.
type Need string

const (
	// Nothing: the model answers. What may be wrong beside that takes no act now.
	Nothing Need = "nothing"
	// Proof: nothing is decided, and the probes go on.
	Proof Need = "proof"
	// Patience: the server works, and an answer may come.
	Patience Need = "patience"
	// Arrival: the model is on its way into memory.
	Arrival Need = "arrival"
	// Load: the model is not in memory, and nothing else is wrong.
	Load Need = "load"
	// Reload: the model is to be loaded, and to answer before anybody gets it: its
	// runner died, or its GPU is in question.
	Reload Need = "reload"
	// Pull: Ollama does not have the model.
	Pull Need = "pull"
	// Wait: nobody is answered, and it may end by itself, or is not certain yet.
	Wait Need = "wait"
	// Mend: a remedy now; waiting will not help any more.
	Mend Need = "mend"
	// MakeRoom: the same, and other models are to leave memory first.
	MakeRoom Need = "make_room"
	// MendWhenQuiet: a remedy that waits for a quiet moment, for the model answers.
	MendWhenQuiet Need = "mend_when_quiet"
	// MendWithBudget: a remedy as soon as the budget has one again, and a person until
	// then. Judge knows of no budget and never says so.
	MendWithBudget Need = "mend_with_budget"
	// Person: no remedy of Clawgate's will help. It goes on looking.
	Person Need = "person"
	// HandsOff: a person has acted, and nothing is touched until that is undone.
	HandsOff Need = "hands_off"
)

// Needs lists every need, for tests.
var Needs = []Need{
	Nothing, Proof, Patience, Arrival, Load, Reload, Pull, Wait, Mend, MakeRoom, MendWhenQuiet, MendWithBudget, Person, HandsOff,
}

// Remedy says that a remedy is due, now or later.
func (n Need) Remedy() bool {
	switch n {
	case Mend, MakeRoom, MendWhenQuiet, MendWithBudget:
		return true
	}
	return false
}

// mendUnless is a remedy now, or what the verdict usually needs.
func mendUnless(held bool) Need {
	if held {
		return ""
	}
	return Mend
}

// settled is a judgement with a need: its verdict's where no rule has found another.
func settled(j Judgement) Judgement {
	if j.Need == "" {
		j.Need = Of(j.Verdict).Usually(j.Answers)
	}
	return j
}
