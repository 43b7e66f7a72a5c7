package verdict

import "slices"

// degraded looks behind a model that answers: for a GPU that is not used, memory
// that is not given back, clocks that are held down. Nothing here closes the
// gate; what needs a remedy waits for a quiet moment, and is told before what needs
// none. Each comes to the next where a quiet moment was tried.
func degraded(p Picture, j Judgement) Judgement {
	rules := behindAnswers
	switch {
	case !j.Answers:
		return j
	case j.Verdict == Unloaded:
		rules = withoutModel
	case j.Verdict != Healthy && j.Verdict != Slow:
		return j
	}
	var found []Judgement
	for _, rule := range rules {
		if judgement, applies := rule.applies(p); applies {
			judgement.Answers = true
			found = append(found, judgement)
		}
	}
	if len(found) == 0 {
		return j
	}
	worst := j // it is to be loaded all the same
	if j.Verdict != Unloaded {
		worst = stays(found[0])
	}
	for _, judgement := range slices.Backward(found) {
		if judgement.Need.Remedy() {
			judgement.Then = []Then{{After: QuietMoment, For: judgement.Verdict, Judgement: worst}}
			worst = judgement
		}
	}
	return worst
}

// stays is what is left to say of something that a remedy did not mend.
func stays(j Judgement) Judgement {
	if j.Need.Remedy() {
		j.Need = Nothing
		j.Sentence += "; a remedy for it has had its quiet moment within a day and is not tried again, a person has to look"
	}
	return j
}
