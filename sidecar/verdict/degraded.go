package verdict

import (
	"slices"
	"time"
)

// Slowed is what may explain, or call for, more patience.
type Slowed struct {
	// ThrottledSince is since when the driver has held the clocks down; zero when
	// it does not. By names the reasons.
	ThrottledSince time.Time
	By             []string
	// LateSince is since when first chunks have come late, and TimelyBefore that
	// this load of the model used to answer in time.
	LateSince    time.Time
	TimelyBefore bool
}

// degraded looks behind a model that answers: for a GPU that is not used, memory
// that is not given back, clocks that are held down. Nothing here closes the
// gate; what needs a remedy waits for a quiet moment, once a day, and is told
// before what needs none.
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
	worst := Judgement{}
	for _, rule := range rules {
		found, applies := rule.applies(p)
		if !applies {
			continue
		}
		found.Answers = true
		if found.Need.Remedy() && tookAtIdle(p, found.Verdict) {
			found.Need = Nothing
			found.Sentence += "; a remedy for it has had its quiet moment within a day and is not tried again, a person has to look"
		}
		if worst.Verdict == "" || found.Need.Remedy() && !worst.Need.Remedy() {
			worst = found
		}
	}
	if worst.Verdict == "" || j.Verdict == Unloaded && !worst.Need.Remedy() { // it is to be loaded all the same
		return j
	}
	return worst
}

// tookAtIdle says that a quiet moment has been used for the verdict. A GPU that
// is not back after the restart is the same trouble under another name.
func tookAtIdle(p Picture, v Verdict) bool {
	return slices.Contains(p.Taken.AtIdle, v) || v == CPUFallback && slices.Contains(p.Taken.AtIdle, GPULost)
}
