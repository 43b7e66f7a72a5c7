package verdict

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const (
	// stillSeen is how much of an attempt's own wait a reading has to cover: the
	// stillness before it says nothing, an idle server is still.
	stillSeen = 2 * time.Second
	// blindWait is how long silence has to last where the container's activity
	// is not known: nothing moving anywhere for that long is a failure.
	blindWait = 20 * time.Second
	// streamMoves is how fresh a chunk has to be to show a working server where
	// the container's activity is not known.
	streamMoves = 60 * time.Second
	// spinBudget bounds silence with activity. A runner that spins without
	// tokens looks like a long prompt, like an answer with "stream": false and
	// like a client that bypasses the relay, so this is generous: three times
	// the slowest prompt is seconds, a restarted working server is the worst
	// that Clawgate can do.
	spinBudget = 10 * time.Minute
	// unseenWork is the same where what works may be an answer that nothing shows
	// before it is complete: a text in one piece, or one to a client that bypasses the
	// relay. Answers of forty minutes are legitimate.
	unseenWork = time.Hour
)

// Silence judges an attempt that has waited since began without an answer:
// Failure when everything is still, Unknown while something works.
func Silence(p Picture, began time.Time, waitsFor string) evidence.ProbeResult {
	waited := p.Now.Sub(began)
	result := evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Unknown, At: p.Now, Took: waited}
	switch moved := lastMove(p.Traffic); {
	case waited < p.Limit.FirstChunk:
		result.Reason = "the probe has not waited long enough"
	case (p.Now.Sub(p.seenFrom(began)) >= max(budget(p), benefit(p)) || spins(p) && waited >= blindWait) && !targetMoves(p, began):
		result.Outcome, result.Spun = evidence.Failure, true
		result.Reason = fmt.Sprintf("waited %s for %s; %s", round(waited), waitsFor, activity(p))
	case movesNow(p, moved, began):
		result.Reason = fmt.Sprintf("waiting behind a stream that moved %s ago", round(p.Now.Sub(moved)))
	case !p.Server.Pulse.Known(p.Now) && p.Now.Sub(p.Server.Pulse.UnseenSince(began)) < blindWait:
		result.Reason = "waiting; the container's activity is not known"
	case p.Server.Pulse.Known(p.Now) && p.Server.Pulse.StillFor(p.Now) < watch.Stillness:
		result.Reason = "waiting while the container works"
	case !p.Devices.WorkedAt.IsZero() && !p.Devices.WorkedAt.Before(began) && p.Now.Sub(p.Devices.WorkedAt) < p.Limit.FirstChunk+watch.Stillness:
		result.Reason = "waiting while the GPU works"
	case p.Server.Pulse.Known(p.Now) && !p.Server.Pulse.ReadAfter(began.Add(stillSeen)):
		result.Reason = "waiting; the container's activity since then has not been read"
	default:
		result.Outcome = evidence.Failure
		result.Reason = fmt.Sprintf("no answer for %s to %s; %s", round(waited), waitsFor, activity(p))
	}
	return result
}

// spins says that an earlier attempt used its whole budget up while the server
// worked and answered nobody. The attempts after it need not do so again.
func spins(p Picture) bool { return p.Model.Streak.Failures > 0 && p.Model.Streak.Last.Spun }

// movesNow says that a live stream shows a working server. With a view of the
// container only what moved while the attempt waited counts, so that a stream
// that was frozen together with everything else does not hide the freeze.
func movesNow(p Picture, moved, began time.Time) bool {
	if moved.IsZero() {
		return false
	}
	if p.Server.Pulse.Known(p.Now) {
		return moved.After(began) && p.Now.Sub(moved) < p.Limit.FirstChunk+watch.Stillness
	}
	return p.Now.Sub(moved) < streamMoves
}

// targetMoves says that the target's own stream has moved since began. Nothing
// bounds that: answers of forty minutes are legitimate, and they prove the model.
// Another model's stream proves the server alone, and its word is bounded.
func targetMoves(p Picture, began time.Time) bool {
	for _, r := range p.Traffic.InFlight {
		if r.Model == p.Target && r.LastChunkAt.After(began) && p.Now.Sub(r.LastChunkAt) < streamMoves {
			return true
		}
	}
	return false
}

// worksNow says that a server whose silence began then works all the same, and
// may go on for a while: silence was counted while it stood still, and a remedy
// now would cut what it has taken up again.
//
// Silence from before the engine came back was counted blindly: visible work is
// given the time that it takes to count as many failures anew.
func worksNow(p Picture, began time.Time) bool {
	limit := budget(p)
	if p.Container.EngineBack.After(began) {
		limit *= time.Duration(p.Limit.FailureThreshold)
	}
	if p.Now.Sub(p.seenFrom(began)) >= limit && !targetMoves(p, began) {
		return false
	}
	return p.Server.Pulse.Known(p.Now) && p.Server.Pulse.StillFor(p.Now) < watch.Stillness || movesNow(p, lastMove(p.Traffic), began)
}

// seenFrom is from when on the activity of something that began at the given time
// could be seen: what nobody saw is not held against a server that works.
func (p Picture) seenFrom(began time.Time) time.Time {
	if p.Container.EngineBack.After(began) {
		return p.Container.EngineBack
	}
	return began
}

// viewPending says that the engine is back so recently that the container's
// activity may not have been read yet. Silence was counted blindly meanwhile.
func viewPending(p Picture) bool {
	return !p.Server.Pulse.Known(p.Now) && !p.Container.EngineBack.IsZero() && p.Now.Sub(p.Container.EngineBack) < blindWait
}

// lastMove is when a chunk last arrived on any live stream.
func lastMove(traffic evidence.Traffic) time.Time {
	var latest time.Time
	for _, r := range traffic.InFlight {
		if r.LastChunkAt.After(latest) {
			latest = r.LastChunkAt
		}
	}
	return latest
}

// gpuWorked says that a GPU of the container's was seen at work since then.
func gpuWorked(p Picture, since time.Time) bool {
	return !p.Devices.WorkedAt.IsZero() && p.Devices.WorkedAt.After(since)
}

// promptRate is the slowest prompt evaluation that is believed to be work, in
// tokens a second: a 32B model on a CPU reads about ten.
const promptRate = 10

// budget is how long silence with activity may last. Three times what the
// longest prompt in flight would need, and never less than spinBudget. A model that
// embeds takes one text after the other, so that those in flight count together.
func budget(p Picture) time.Duration {
	longest, texts := spinBudget, map[string]time.Duration{}
	for _, r := range p.Traffic.InFlight {
		need := 3 * time.Duration(r.PromptTokens) * time.Second / promptRate
		if r.Embeds {
			texts[r.Model] += need
			need = texts[r.Model]
		}
		longest = max(longest, need)
	}
	if heldDown(p) {
		longest *= 2
	}
	return longest
}

// benefit is how long the target may work for somebody without a sign. While a
// client waits for a stream of it, or for an embedding, and none for a text in one
// piece, there is no such benefit of the doubt: that client has waited for long enough.
func benefit(p Picture) time.Duration {
	waits := false
	for _, r := range p.Traffic.InFlight {
		if r.Model == p.Target && !r.Streaming && !r.Embeds {
			return unseenWork
		}
		waits = waits || r.Model == p.Target
	}
	if waits {
		return 0
	}
	return unseenWork
}

// ClientWaits says that a live request for any model has waited longer than the
// first chunk's deadline while the container is still: reason to probe at once.
// It names the model that waits, the target before others.
func ClientWaits(p Picture) (model string, waits bool) {
	if p.Server.Pulse.StillFor(p.Now) < watch.Stillness {
		return "", false
	}
	for _, r := range p.Traffic.InFlight {
		silentSince := r.SentAt
		if r.LastChunkAt.After(silentSince) {
			silentSince = r.LastChunkAt
		}
		if p.Now.Sub(silentSince) < p.Limit.FirstChunk {
			continue
		}
		if model, waits = r.Model, true; model == p.Target {
			break
		}
	}
	return model, waits
}

// activity says in words what is seen of the container's.
func activity(p Picture) string {
	if !p.Server.Pulse.Known(p.Now) {
		return "the container's activity is not known"
	}
	if still := p.Server.Pulse.StillFor(p.Now); still > 0 {
		return fmt.Sprintf("the container has been still for %s", round(still))
	}
	return fmt.Sprintf("the container uses %d ms of CPU a second", p.Server.Pulse.Rate.CPU.Milliseconds())
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
