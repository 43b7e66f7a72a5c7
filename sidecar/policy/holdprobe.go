package policy

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// holdProbe says why no probe may be sent now; empty when one may. The rules
// protect users' GPU time, and loads, which a probe would wait for.
func (k *Keeper) holdProbe(p verdict.Picture) string {
	switch {
	case k.machine.State == Recovering:
		return "a remedy is under way"
	case k.machine.Plan.WhenQuiet && !k.remedy.drainedAt.IsZero():
		return "a remedy waits for the container to come to rest"
	case !p.LoadSince.IsZero():
		return "the model is being loaded"
	case !k.pull.since.IsZero():
		return "the model is being pulled"
	case p.Container.Known && p.Container.EngineAway.IsZero() && p.Container.Seen.Status != evidence.Running:
		return "the container does not run"
	case k.seen.Server.PsBlocks && k.mayLoad():
		return "a model may be loading, and this Ollama does not tell what is loaded meanwhile"
	}
	if verdict.Suspicious(p.Model.Hollow) {
		return "" // that live requests are answered is what is in doubt
	}
	if verdict.UsesPlace(p, p.Target) {
		return k.whileInFlight(p)
	}
	return ""
}

// resting says that the model's keep-alive has passed since it was last used, so
// that only probes keep it in memory. The first use counts from being ready.
func (k *Keeper) resting() bool {
	if k.settings.KeepAlive < 0 || k.machine.State != Ready {
		return false
	}
	used := k.since
	if last := k.seen.Server.LastTraffic; last.After(used) {
		used = last
	}
	return k.turn.now.Sub(used) > k.settings.KeepAlive
}

// besideSilence is how long the clients of a model have to have heard nothing
// until a probe goes out beside them, though the server works: from then on it
// can be told how long the model has been silent.
const besideSilence = time.Minute

// whileInFlight lets a probe go out beside live requests only when nothing moves,
// or for long nothing of the model's own.
func (k *Keeper) whileInFlight(p verdict.Picture) string {
	proved := k.seen.Focused().Streak.Successes > 0
	switch {
	case k.seen.Devices.Troubled() && !proved:
		return "" // the gate is shut until the model has answered after the error
	case p.Apart != "" && !proved:
		return "" // what was asked of the container proves nothing
	}
	if _, waits := verdict.ClientWaits(p); waits || k.asksUnclear(p) {
		return ""
	}
	oldest, moved := p.Now, time.Time{}
	for _, r := range p.Traffic.InFlight {
		if r.SentAt.Before(oldest) {
			oldest = r.SentAt
		}
		if r.Model == p.Target && r.LastChunkAt.After(moved) {
			moved = r.LastChunkAt
		}
	}
	silent := p.Now.Sub(oldest) >= besideSilence && p.Now.Sub(moved) >= besideSilence && p.Now.Sub(k.seen.Server.LastTraffic) >= besideSilence
	if silent || verdict.Silence(p, oldest, "a first chunk").Outcome == evidence.Failure {
		return ""
	}
	return fmt.Sprintf("%d requests are in flight, and the server works on them", len(p.Traffic.InFlight))
}

// loadMoves: a load uses the CPU, the disk or the network at least this often.
const loadMoves = 20 * time.Second

// mayLoad says that a request may have Ollama loading a model now: it has no
// chunk yet, its model was not in memory, and something moves. So may a check of
// Clawgate's own.
func (k *Keeper) mayLoad() bool {
	now := k.turn.now
	if k.seen.Server.Pulse.StillFor(now) >= loadMoves {
		return false
	}
	if k.check.running {
		return true
	}
	for _, r := range k.turn.Traffic.InFlight {
		if r.FirstChunkAt.IsZero() && now.Sub(r.SentAt) < k.settings.LoadTimeout && !k.seen.InMemory(r.Model) {
			return true
		}
	}
	return false
}

// WantsLoaded says that the list of loaded models is old, or older than a load, and that
// reading it disturbs nobody. It is for a look in between: while live requests prove the
// model, no probe reads the list, and how much of it is on a GPU would not be seen.
func (k *Keeper) WantsLoaded(now time.Time, in Inputs) bool {
	k.turn = turn{Inputs: in, now: now}
	server := &k.seen.Server
	old := now.Sub(server.LoadedAt) >= k.settings.ReadyInterval && now.Sub(server.LastTraffic) < k.settings.ReadyInterval
	return k.machine.State == Ready && k.loads.since.IsZero() && server.Answered && (k.looks.unlisted || old) && !k.mayLoad()
}

// WantsHint says that Ollama's log is worth a look for what it says of the GPUs.
func (k *Keeper) WantsHint() bool {
	return k.seen.Server.Answered && k.seen.Devices.Hint == evidence.GPUHintUnknown && k.seen.Container.Seen.GPURequested
}
