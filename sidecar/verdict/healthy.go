package verdict

import "fmt"

// Healthy means that a first chunk came in time, to a probe or to a live request.
const Healthy Verdict = "healthy"

var healthyRecord = Record{
	Verdict: Healthy, Standing: Well,
	Need: Nothing, Unproved: Proof,
	Means:  "a first chunk came in time, to a probe or to a client",
	Does:   "–",
	Signs:  "a first chunk came in time, to a probe or to a client",
	Remedy: "none",
}

func modelAnswers(p Picture) (Judgement, bool) {
	if p.Model.Streak.Failures > 0 || p.Model.Streak.Inconclusive != "" || p.Model.Streak.Successes < p.Limit.SuccessThreshold {
		return Judgement{}, false
	}
	if p.Model.Streak.Last.Late {
		return Judgement{Verdict: Slow, Sentence: fmt.Sprintf("%s, the deadline is %s (CLAWGATE_FIRST_CHUNK_TIMEOUT)", p.Model.Streak.Last.Reason, p.Limit.FirstChunk)}, true
	}
	return Judgement{Verdict: Healthy, Sentence: "the model answers"}, true
}
