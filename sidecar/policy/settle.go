package policy

import "github.com/clawdbot/clawgate/sidecar/verdict"

// Settle makes of what the world alone calls for what is to be acted on: what it comes
// to after all that was tried, without a remedy that must not be.
func Settle(j verdict.Judgement, p verdict.Picture, tried Attempts) verdict.Judgement {
	return restrained(after(j, tried), p, tried)
}

// after is what a judgement comes to after what was tried.
func after(j verdict.Judgement, tried Attempts) verdict.Judgement {
	for _, then := range j.Then {
		if tried.inVain(then) {
			return after(then.Judgement, tried)
		}
	}
	j.Then = nil
	return j
}
