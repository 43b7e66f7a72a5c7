package verdict

import (
	"fmt"
	"time"
)

// stoppingLasts is how long a model may be in the list past its time. An answer
// that is under way keeps it there rightly, and then something moves.
const stoppingLasts = time.Minute

// neverUnloaded is a model that Ollama wants out of memory and cannot get out:
// a request that has ended still counts as holding it ("Stopping…" for ever,
// ollama/ollama#7779). Its time is compared by the server's own clock, and means
// nothing once that has jumped: Ollama's timers (time.AfterFunc in server/sched.go)
// do not go by it.
func neverUnloaded(p Picture) (Judgement, bool) {
	m, loaded := p.Server.Listed(p.Target)
	if !loaded || m.ExpiresAt.IsZero() || m.SeenAt.IsZero() || UsesPlace(p, p.Target) ||
		p.ClockJumpedAt.After(p.Container.Seen.StartedAt) {
		return Judgement{}, false
	}
	past := m.SeenAt.Sub(m.ExpiresAt)
	if past < stoppingLasts || !stillSince(p, stoppingLasts) {
		return Judgement{}, false
	}
	return Judgement{Verdict: Wedged, Model: p.Target, Need: Mend, Sentence: fmt.Sprintf(
		"Ollama has been stopping the model for %s and nobody uses it; %s", round(past), activity(p))}, true
}

// stillSince says that nothing moved for that long: neither the container nor
// the GPU nor a stream.
func stillSince(p Picture, d time.Duration) bool {
	return p.Server.Pulse.Known(p.Now) && p.Server.Pulse.StillFor(p.Now) >= d && !gpuWorked(p, p.Now.Add(-d)) && p.Now.Sub(lastMove(p.Traffic)) >= d
}
