package verdict

import "fmt"

// Unproven means that nothing has been seen yet that would allow a finding.
const Unproven Verdict = "unproven"

var unprovenRecord = Record{
	Verdict: Unproven,
	Need:    Proof,
	Means:   "nothing has been seen yet that allows a finding",
	Does:    "waits; lets nothing through",
	Signs:   "nothing has been seen yet since Clawgate or Ollama started",
	Remedy:  "wait for the first probe",
	Never:   "open the gate, or restart",
}

// undecided keeps what was found last while it still may hold: a model that
// answered stays what it was until its failures reach the threshold. In a new run
// of the server, of which no probe has told anything, nothing does.
func undecided(p Picture, before Judgement, answers bool) Judgement {
	kept := Judgement{Verdict: Unproven, Answers: answers, Sentence: "nothing is proven yet"}
	switch standing := Of(before.Verdict).Standing; {
	case standing == Well:
		kept.Verdict, kept.Sentence = before.Verdict, before.Sentence
	case before.Answers && (standing == Serving || standing == Beyond) && p.Model.Streak.Last.Outcome != "":
		kept.Verdict, kept.Sentence = Healthy, "the model answered when it was last asked"
	}
	switch {
	case p.Model.Streak.Failures > 0:
		kept.Sentence = fmt.Sprintf("%d of %d readiness probes failed: %s", p.Model.Streak.Failures, p.Limit.FailureThreshold, p.Model.Streak.Last.Reason)
	case p.Model.Streak.Inconclusive != "" && answers && before.Verdict == Slow && p.Model.Streak.Last.Late:
		// a late answer is awaited like the one before
	case p.Model.Streak.Inconclusive != "" && answers && before.Need == MendWhenQuiet:
		// it waits for a quiet moment; being busy is none, and no end of the wait
	case p.Model.Streak.Inconclusive != "" && answers:
		kept.Verdict, kept.Sentence = Busy, p.Model.Streak.Inconclusive
	case p.Model.Streak.Inconclusive != "":
		kept.Sentence = "nothing is proven yet: " + p.Model.Streak.Inconclusive
	}
	return kept
}
