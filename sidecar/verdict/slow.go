package verdict

import (
	"fmt"
	"time"
)

// Slow means that first chunks come, later than they should.
const Slow Verdict = "slow"

var slowRecord = Record{
	Verdict: Slow, Standing: Well,
	Need: Nothing, Unproved: Proof, Finds: []Need{MendWhenQuiet},
	Means:  "answers come, later than they should",
	Does:   "keeps the gate open; a load that used to be quick is loaded again at a quiet moment, once",
	Signs:  "first chunks come, after CLAWGATE_FIRST_CHUNK_TIMEOUT",
	Remedy: "none; if this load used to be quick: unload and load again, once, at a quiet moment",
	Never:  "close the gate",
	Faults: "F19",
}

// slowLasts is how long a model has to be slower than it used to be.
const slowLasts = 2 * time.Minute

// slower is a model that became slow in the middle of its load. Loaded anew it
// may be quick again; one that was never quick stays as it is. Late answers to
// probes have to lie that far apart: a client's answer is late behind others, and
// no probe is sent while they are in the way.
func slower(p Picture) (Judgement, bool) {
	last, since := p.Model.Streak.Last, p.Model.LateSince
	if !p.Model.Timely || !last.Late || !last.Answered || since.IsZero() || last.At.Sub(since) < slowLasts {
		return Judgement{}, false
	}
	return Judgement{Verdict: Slow, Model: p.Target, Need: MendWhenQuiet, Sentence: fmt.Sprintf(
		"%s, the deadline is %s; it used to answer in time until %s ago", last.Reason, p.Limit.FirstChunk, round(p.Now.Sub(since)))}, true
}
