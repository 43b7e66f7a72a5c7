package verdict

// Judge says what the picture means: what the first rule finds that applies, and
// behind a model that answers what is wrong all the same. Without an engine it comes out
// as another verdict. The judgement before is the one that was acted on.
func Judge(p Picture, before Judgement) Judgement {
	answers := proven(p) && !runnerDied(p) && !foundNoRoom(p) && !saysNothing(p.Model.Hollow)
	found, then := first(p, order)
	if found.Verdict == "" {
		found = undecided(p, before, answers)
	}
	found.Answers = answers
	found = degraded(p, found)
	found.Then = append(then, found.Then...)
	return found.throughout(func(j Judgement) Judgement {
		j.Answers = answers
		return settled(blind(p, j))
	})
}

// first is what the first rule finds that applies, and what rules before it leave to it
// only until something was tried.
func first(p Picture, rules []rule) (Judgement, []Then) {
	var until []Then
	for _, rule := range rules {
		found, applies := rule.applies(p)
		if applies {
			return found, until
		}
		until = append(until, found.Then...)
	}
	return Judgement{}, until
}

// proven says that the model has answered in this run of the server, and not
// failed to since.
func proven(p Picture) bool {
	return p.Model.Streak.Failures == 0 && p.Model.Streak.Successes >= p.Limit.SuccessThreshold
}
