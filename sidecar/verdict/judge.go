package verdict

import "github.com/clawdbot/clawgate/evidence"

// Judge says what the picture means: what the first rule finds that applies, and
// behind a model that answers what is wrong all the same. Without an engine, and where
// a remedy is out of the question, it comes out as another verdict.
func Judge(p Picture, before Judgement) Judgement {
	answers := proven(p) && !runnerDied(p) && !foundNoRoom(p) && !p.Hollow.found()
	for _, rule := range order {
		if judgement, applies := rule.applies(p); applies {
			judgement.Answers = answers
			return settled(restrained(p, blind(p, degraded(p, judgement))))
		}
	}
	return settled(restrained(p, blind(p, degraded(p, undecided(p, before, answers)))))
}

// proven says that the model has answered in this run of the server, and not
// failed to since.
func proven(p Picture) bool {
	return p.Ready.Failures == 0 && p.Ready.Successes >= p.Limit.SuccessThreshold
}

func isLoaded(loaded []evidence.LoadedModel, model string) bool {
	for _, m := range loaded {
		if m.Name == model {
			return true
		}
	}
	return false
}
