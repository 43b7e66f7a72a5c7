package verdict

import (
	"fmt"
	"time"
)

// Loading means that the model is on its way into memory.
const Loading Verdict = "loading"

var loadingRecord = Record{
	Verdict: Loading,
	Need:    Arrival,
	Means:   "the model is on its way into memory",
	Does:    "waits for as long as something moves",
	Signs:   "the model is not loaded yet; CPU, disk or network move",
	Remedy:  "wait while anything moves, up to CLAWGATE_LOAD_TIMEOUT without",
	Never:   "be the client whose leaving aborts the load",
	Faults:  "F9b, F10",
}

// blindLoad is how many times longer a load may take where its progress cannot
// be seen: a model of 20 GB on a slow disk needs more than the stall limit, and
// a load that never ends must not be waited for for ever.
const blindLoad = 3

// ourLoad covers a load that Clawgate asked for. While it makes progress no
// other sign counts: crashes and silences of before are what it mends.
func ourLoad(p Picture) (Judgement, bool) {
	if p.LoadSince.IsZero() {
		return Judgement{}, false
	}
	sentence := fmt.Sprintf("the model has been loading for %s", round(p.Now.Sub(p.LoadSince)))
	if runnerDied(p) {
		sentence += ", after its runner died"
	}
	return loading(p, p.LoadSince, sentence), true
}

// loading judges a load that began at the given time, whoever asked for it: a
// stalled one looks the same from outside as a deadlocked scheduler
// (ollama/ollama#17408), where requests for a model that is not loaded wait for
// ever and nothing moves.
func loading(p Picture, began time.Time, sentence string) Judgement {
	if !loadStalls(p, began) {
		return Judgement{Verdict: Loading, Model: p.Target, Sentence: sentence}
	}
	j := Judgement{Verdict: Wedged, Model: p.Target, Sentence: fmt.Sprintf(
		"the load that began %s ago makes no progress; %s", round(p.Now.Sub(began)), activity(p))}
	if viewPending(p) {
		return j
	}
	return mendOrMakeRoom(p, j)
}

// mendOrMakeRoom: a deadlocked scheduler may wait for another model to go.
func mendOrMakeRoom(p Picture, j Judgement) Judgement {
	j.Need = Mend
	if len(OthersAtRest(p, j.Model)) > 0 {
		j.Then = []Then{{After: Room, Judgement: j}}
		j.Need = MakeRoom
	}
	return j
}

func loadStalls(p Picture, began time.Time) bool {
	if moved := lastMove(p.Traffic); p.Now.Sub(moved) < streamMoves {
		return false // it waits until the model in its place has finished
	}
	if p.Server.Pulse.Known(p.Now) {
		return min(p.Now.Sub(began), p.Server.Pulse.StillFor(p.Now)) >= p.Limit.LoadStall
	}
	return p.Now.Sub(p.Server.Pulse.UnseenSince(began)) >= blindLoad*p.Limit.LoadStall
}
