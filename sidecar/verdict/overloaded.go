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

// Refusals are Ollama's own 503 ("server busy").
type Refusals struct {
	First, Last time.Time // of the present row; zero without one
	Count       int
	// Own is when Ollama last refused a request of Clawgate's own like that, one that
	// its scheduler has to place; zero if it never did. All others are clients' word.
	Own time.Time
}

const (
	// refusedLately is how long a refusal counts after it came.
	refusedLately = 30 * time.Second
	// idleQueue is how long a server that refuses everybody has to stand still
	// until it is no longer full but stuck: its queue is full while a model is
	// loaded, too, and a slow disk pauses a load.
	idleQueue = time.Minute
)

func (r Refusals) lately(now time.Time) bool { return r.Count > 0 && now.Sub(r.Last) < refusedLately }

// confirmed says that Clawgate was itself refused within the row, and that nothing has
// worked since: a server that works on through its queue is only full.
func (r Refusals) confirmed(p Picture) bool {
	return !r.Own.IsZero() && !r.Own.Before(r.First) && restsFor(p, p.Now.Sub(r.Own))
}

func gpuWorked(p Picture, since time.Time) bool {
	return !p.GPUActiveAt.IsZero() && p.GPUActiveAt.After(since)
}

// overloaded takes no remedy: it is load, not a fault.
func overloaded(p Picture) (Judgement, bool) {
	if !p.Refused.lately(p.Now) || p.Ready.Failures > 0 {
		return Judgement{}, false
	}
	return Judgement{Verdict: Overloaded, Sentence: fmt.Sprintf("Ollama has refused %d requests as busy, the last %s ago, and works",
		p.Refused.Count, round(p.Now.Sub(p.Refused.Last)))}, true
}
