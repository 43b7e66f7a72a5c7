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
	if !MayBeDeadlocked(p) || !refusedToo(p) {
		return Judgement{}, false
	}
	return Judgement{Verdict: Wedged, Model: p.Target, Need: Mend, Sentence: fmt.Sprintf(
		"Ollama has refused %d requests as busy for %s and does nothing; %s",
		p.Refused.Count, round(p.Now.Sub(p.Refused.First)), activity(p))}, true
}

// MayBeDeadlocked says that clients have been refused as busy by a server that does
// nothing, for so long that it is worth finding out whether it refuses Clawgate too.
func MayBeDeadlocked(p Picture) bool {
	return refusedNow(p) && p.Refused.Last.Sub(p.Refused.First) >= idleQueue && restsFor(p, idleQueue)
}

// refusedToo says that Clawgate was itself refused within the row, and that nothing has
// worked since: a server that works on through its queue is only full.
func refusedToo(p Picture) bool {
	own := p.Refused.Own
	return !own.IsZero() && !own.Before(p.Refused.First) && restsFor(p, p.Now.Sub(own))
}

// neverScheduled is a request for a model that is not loaded, which waits and
// nothing is done for it: the same deadlock, seen by one client. Other models may
// answer all the while, so that probes do not see it. Unloading what is idle
// lets the scheduler go on.
func neverScheduled(p Picture) (Judgement, bool) {
	if !p.Server.LoadedKnown || !restsFor(p, p.Limit.LoadStall) {
		return Judgement{}, false
	}
	for _, r := range p.Traffic.InFlight {
		if r.Model == "" || InCloud(r.Model) || r.Model == p.Target || !r.FirstChunkAt.IsZero() || p.Server.IsLoaded(r.Model) || p.Now.Sub(r.SentAt) < p.Limit.LoadStall {
			continue
		}
		return mendOrMakeRoom(p, Judgement{Verdict: Wedged, Model: r.Model, Sentence: fmt.Sprintf(
			"a request for %q has waited %s and nothing is loaded for it; %s", r.Model, round(p.Now.Sub(r.SentAt)), activity(p))}), true
	}
	return Judgement{}, false
}

// InCloud says that Ollama has somebody else's server run a model, by the tag that
// such models have: it is never loaded here.
func InCloud(model string) bool { return strings.HasSuffix(model, "cloud") }

// restsFor says that nothing has worked for that long but for probes, which a
// loaded model answers while the scheduler is stuck.
func restsFor(p Picture, d time.Duration) bool {
	return p.Server.Pulse.RestsFor(p.Now) >= d && !gpuWorked(p, p.Now.Add(-blindWait)) && p.Now.Sub(lastMove(p.Traffic)) >= d
}
