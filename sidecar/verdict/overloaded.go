package verdict

import (
	"fmt"
	"time"
)

// Overloaded means that Ollama refuses requests, and works.
const Overloaded Verdict = "overloaded"

var overloadedRecord = Record{
	Verdict: Overloaded, Standing: Serving,
	Need:   Patience,
	Means:  "Ollama refuses as busy, and works",
	Does:   "nothing",
	Signs:  "Ollama refuses as busy and works",
	Remedy: "none: requests wait or are refused with Retry-After",
	Never:  "restart for a 503",
	Faults: "F8",
}

const (
	// refusedLately is how long a refusal counts after it came.
	refusedLately = 30 * time.Second
	// idleQueue is how long a server that refuses everybody has to stand still
	// until it is no longer full but stuck: its queue is full while a model is
	// loaded, too, and a slow disk pauses a load.
	idleQueue = time.Minute
)

// refusedNow says that clients are being refused.
func refusedNow(p Picture) bool {
	return p.Refused.Count > 0 && p.Now.Sub(p.Refused.Last) < refusedLately
}

// overloaded takes no remedy: it is load, not a fault.
func overloaded(p Picture) (Judgement, bool) {
	if !refusedNow(p) || p.Model.Streak.Failures > 0 {
		return Judgement{}, false
	}
	return Judgement{Verdict: Overloaded, Sentence: fmt.Sprintf("Ollama has refused %d requests as busy, the last %s ago, and works",
		p.Refused.Count, round(p.Now.Sub(p.Refused.Last)))}, true
}
