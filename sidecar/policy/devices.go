package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// gpusSeen takes a look at the GPUs.
func (k *Keeper) gpusSeen(view evidence.GPUView) {
	id, devices := k.ownID(), &k.seen.Devices
	if view.Known {
		k.doubtFailed(view)
	}
	devices.Viewed(view, id)
	if !view.Known {
		return
	}
	if model := k.holder(); model != "" {
		of := k.seen.Models.Of(model)
		of.OwnPeak = max(of.OwnPeak, view.HeldBy(id))
	}
	k.followLeak(view, id)
}

// doubtFailed doubts the model's GPU as soon as the driver gives one up, or wants
// something done about it.
func (k *Keeper) doubtFailed(view evidence.GPUView) {
	c := k.seen.Container.Seen
	for _, uuid := range k.seen.Devices.Failed(view) {
		if c.GPURequested && view.Concerns(c.ID, uuid) {
			k.doubtDevice(view.SeenAt)
		}
	}
}

// holder is the only model that can be what the container holds GPU memory for; empty
// where there are more.
func (k *Keeper) holder() string {
	server := &k.seen.Server
	switch {
	case !server.LoadedKnown:
	case len(server.Loaded) == 1 && k.loads.since.IsZero():
		return server.Loaded[0].Name
	case len(server.Loaded) == 0 && !k.focusLoads().IsZero():
		return k.seen.Focus
	}
	return ""
}

// GPUMoves is the time between two looks at the GPUs: one that was seen at work within
// it is at work.
const GPUMoves = 2 * time.Second

// followLeak counts only while nothing moves and the list of loaded models is of
// this moment: one that is being loaded is in no list.
func (k *Keeper) followLeak(view evidence.GPUView, id string) {
	server, devices := &k.seen.Server, &k.seen.Devices
	moving := !k.loads.since.IsZero() || k.loads.restoring || view.SeenAt.Sub(devices.WorkedAt) < GPUMoves || len(k.turn.Traffic.InFlight) > 0 ||
		!server.LoadedKnown || k.machine.State == Recovering || server.Pulse.StillFor(view.SeenAt) == 0
	devices.Leak = devices.Leak.Add(view, id, server.Loaded, moving, k.settings.LeakTolerance)
}

// sawXids looks at what the driver reported. An error of a GPU that the container does not
// use is another's, and one of the application class shows by what it does to the
// program (evidence.Xid).
func (k *Keeper) sawXids() {
	for _, xid := range k.turn.Xids {
		if k.seen.Devices.View.Concerns(k.seen.Container.Seen.ID, xid.GPU) && k.seen.Devices.SawXid(xid) {
			k.doubtDevice(k.turn.now)
		}
	}
}

// doubtDevice takes back the proof that a model gave before its GPU was in
// question. What was asked before proves nothing either.
func (k *Keeper) doubtDevice(at time.Time) {
	if k.seen.FocusOnOther() && k.machine.State != Recovering { // the main model comes first
		k.focusOn(k.seen.Main)
	}
	k.probes.supersede()
	k.seen.Models.Each((*watch.Model).Unprove)
	k.seen.Devices.DoubtedAt, k.seen.Focused().Doubted = at, true
	k.probes.next = at
}

// afterDoubt is how long after an error a piece of an answer has to come for it to be
// none that was on its way already.
const afterDoubt = 2 * time.Second

// provenByStream takes each further piece of a stream of the model's, after its GPU came
// into question, for an answer: with one slot a probe would wait behind it.
func (k *Keeper) provenByStream() {
	of := k.seen.Focused()
	streak := of.Streak
	if streak.Successes >= k.settings.SuccessThreshold {
		of.Doubted = false
	}
	if !of.Doubted || k.seen.FocusOnOther() || k.machine.State == Recovering || streak.Failures > 0 {
		return
	}
	proves := slices.IndexFunc(k.turn.Traffic.InFlight, func(r evidence.Request) bool {
		after := r.LastChunkAt.Sub(k.seen.Devices.DoubtedAt) >= afterDoubt && r.LastChunkAt.After(streak.Last.At) && r.SentAt.After(k.seen.Calibrated)
		return r.Model == k.seen.Focus && after && k.turn.now.Sub(r.LastChunkAt) < k.settings.FirstChunkTimeout
	})
	if proves >= 0 {
		of.Count(evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, At: k.turn.Traffic.InFlight[proves].LastChunkAt})
	}
}
