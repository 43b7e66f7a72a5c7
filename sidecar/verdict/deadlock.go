package verdict

import (
	"fmt"
	"strings"
	"time"
)

// deadlocked is a server that refuses because its queue is full, and that does
// nothing: its scheduler waits for ever (ollama/ollama#17408). One that works is
// overloaded, and one of which only clients say so may be well.
func deadlocked(p Picture) (Judgement, bool) {
	if !MayBeDeadlocked(p) || !p.Refused.confirmed(p) {
		return Judgement{}, false
	}
	return Judgement{Verdict: Wedged, Model: p.Target, Need: Mend, Sentence: fmt.Sprintf(
		"Ollama has refused %d requests as busy for %s and does nothing; %s",
		p.Refused.Count, round(p.Now.Sub(p.Refused.First)), p.Pulse.sentence(p.Now))}, true
}

// MayBeDeadlocked says that clients have been refused as busy by a server that does
// nothing, for so long that it is worth finding out whether it refuses Clawgate too.
func MayBeDeadlocked(p Picture) bool {
	return p.Refused.lately(p.Now) && p.Refused.Last.Sub(p.Refused.First) >= idleQueue && restsFor(p, idleQueue)
}

// neverScheduled is a request for a model that is not loaded, which waits and
// nothing is done for it: the same deadlock, seen by one client. Other models may
// answer all the while, so that probes do not see it. Unloading what is idle
// lets the scheduler go on.
func neverScheduled(p Picture) (Judgement, bool) {
	if !p.LoadedKnown || !restsFor(p, p.Limit.LoadStall) {
		return Judgement{}, false
	}
	for _, r := range p.Traffic.InFlight {
		if r.Model == "" || InCloud(r.Model) || r.Model == p.Target || !r.FirstChunkAt.IsZero() || isLoaded(p.Loaded, r.Model) || p.Now.Sub(r.SentAt) < p.Limit.LoadStall {
			continue
		}
		return mendOrMakeRoom(p, Judgement{Verdict: Wedged, Model: r.Model, Sentence: fmt.Sprintf(
			"a request for %q has waited %s and nothing is loaded for it; %s", r.Model, round(p.Now.Sub(r.SentAt)), p.Pulse.sentence(p.Now))}), true
	}
	return Judgement{}, false
}

// InCloud says that Ollama has somebody else's server run a model, by the tag that
// such models have: it is never loaded here.
func InCloud(model string) bool { return strings.HasSuffix(model, "cloud") }

// restsFor says that nothing has worked for that long but for probes, which a
// loaded model answers while the scheduler is stuck.
func restsFor(p Picture, d time.Duration) bool {
	return p.Pulse.RestsFor(p.Now) >= d && !gpuWorked(p, p.Now.Add(-blindWait)) && p.Now.Sub(lastMove(p.Traffic)) >= d
}
