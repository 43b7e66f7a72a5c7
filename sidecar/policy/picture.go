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
		Container: w.Container.Seen, ContainerKnown: w.Container.Known,
		EngineAwaySince: w.Container.EngineAway, EngineBackAt: w.Container.EngineBack, GoneSince: w.Container.GoneSince,
		Reached: w.Server.Reached, Answered: w.Server.Answered,
		TCP: w.Server.TCP, API: w.Server.API, Ready: w.Focused().Streak, Target: w.Focus, Main: w.Main,
		GPUActiveAt: w.Devices.WorkedAt,
		Traffic:     k.turn.Traffic, Pulse: w.Server.Pulse,
		Loaded: w.Server.Loaded, LoadedKnown: w.Server.LoadedKnown,
		LoadSince: k.focusLoads(), PullSince: k.pull.since, PullStatus: k.pull.status,
	}
	p.ClockJumpedAt = k.seen.ClockJumpedAt
	k.drawFocus(&p)
	p.Unfinished = k.owesStart(w.Container.Seen)
	p.OperatorAct = k.operatorAct()
	k.withoutContainer(&p)
	return p
}

// drawFocus draws what is known of the model that the probe looks at, and of its GPU.
func (k *Keeper) drawFocus(p *verdict.Picture) {
	of, devices := k.seen.Focused(), &k.seen.Devices
	p.Crashes, p.CrashDetail, p.CrashUnresolved = of.Crashes.Times(), of.Crashes.Detail, of.Unresolved(of.Crashes)
	p.Memory, p.Refused, p.Hollow = of.MemoryTrouble(p.Now), k.seen.Refused, of.Hollow
	p.Card = verdict.Card{
		View: devices.View, LastKnown: devices.LastKnown, Mismatch: devices.Mismatch, Xids: devices.Xids(), Hint: devices.Hint,
		BestRatio: of.BestRatio, UsedThisRun: of.UsedThisRun, ByWish: k.offGPUByWish(p.Target),
		OwnSeen: devices.OwnSeen, OwnPeak: of.OwnPeak, Pace: of.Pace, Leak: devices.Leak,
	}
	p.Slowed = verdict.Slowed{
		ThrottledSince: devices.ThrottledSince, By: devices.ThrottledBy, LateSince: of.LateSince, TimelyBefore: of.Timely,
	}
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
	p.Container, p.ContainerKnown, p.GoneSince, p.OperatorAct, p.Unfinished = evidence.Container{}, false, time.Time{}, "", false
	p.Pulse, p.GPUActiveAt = watch.Pulse{}, time.Time{}
}
