package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// picture puts all that is known into one value for package verdict.
func (k *Keeper) picture() verdict.Picture {
	w := &k.seen
	p := verdict.Picture{
		Now: k.turn.now,
		Limit: verdict.Limits{
			FailureThreshold: k.settings.FailureThreshold,
			SuccessThreshold: k.settings.SuccessThreshold,
			FirstChunk:       k.settings.FirstChunkTimeout,
			LoadStall:        k.settings.LoadTimeout,
		},
		Container: w.Container, Server: w.Server, Devices: w.Devices, Refused: w.Refused,
		Model: *w.Focused(), Target: w.Focus, Main: w.Main, ClockJumpedAt: w.ClockJumpedAt,
		Traffic:   k.turn.Traffic,
		LoadSince: k.focusLoads(), PullSince: k.pull.since, PullStatus: k.pull.status,
	}
	p.OffGPU = k.offGPUByWish(p.Target)
	p.Unfinished = k.owesStart(w.Container.Seen)
	p.OperatorAct = k.operatorAct()
	k.withoutContainer(&p)
	return p
}

// offGPUByWish says that the model was asked to stay off the GPU, by the settings
// or by the request that its runner was started for.
func (k *Keeper) offGPUByWish(model string) bool {
	return k.seen.Container.Seen.Env["CUDA_VISIBLE_DEVICES"] == "-1" || k.settings.OffGPU || slices.Contains(k.turn.OffGPU, model)
}

// operatorAct says what a person did to the container; empty for nothing, and where it
// is down because of Clawgate.
func (k *Keeper) operatorAct() string {
	c := &k.seen.Container
	if k.owesStart(c.Seen) {
		return ""
	}
	return verdict.OperatorAct(c, k.turn.now)
}

// withoutContainer takes the container out of a picture of a server that is another
// one.
func (k *Keeper) withoutContainer(p *verdict.Picture) {
	if p.Apart = k.apart(); p.Apart == "" {
		return
	}
	c := &p.Container
	c.Seen, c.Known, c.GoneSince, p.OperatorAct, p.Unfinished = evidence.Container{}, false, time.Time{}, "", false
	p.Server.Pulse, p.Devices.WorkedAt = watch.Pulse{}, time.Time{}
}
