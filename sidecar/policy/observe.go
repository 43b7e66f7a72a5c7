package policy

import (
	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// observe remembers what was seen, and decides what follows from that alone.
func (k *Keeper) observe(seen watch.Observation) {
	switch o := seen.(type) {
	case watch.SignSeen:
		k.sign(o.Sign)
	case watch.TCPProbed:
		k.tcpProbed(o)
	case watch.APIProbed:
		k.apiProbed(o)
	case watch.ModelsTold:
		k.modelsTold(o)
	case watch.ReleaseTold:
		k.seen.Server.PsBlocks = o.PsBlocks
	case watch.VersionAnswered:
		k.versionAnswered(o)
	case watch.LoadedListed:
		k.loadedListed(o.Loaded)
	case watch.ActivityRead:
		k.activityRead(o)
	case watch.GPUsSeen:
		k.gpusSeen(o.View)
	case watch.HintRead:
		k.seen.Devices.Hint = o.Hint
	case watch.Inspected:
		k.inspected(o)
	case watch.EventTold:
		k.eventTold(o.Event)
	default:
		k.ended(seen)
	}
}

// ended takes the end of what Clawgate itself began, and what a person asks for.
func (k *Keeper) ended(seen watch.Observation) {
	switch o := seen.(type) {
	case watch.ProbeOverdue:
		k.probeOverdue(o)
	case watch.ProbeAnswered:
		k.probeAnswered(o)
	case watch.ProbeEnded:
		k.probes.close(o.ID)
	case watch.ProcessesSeen:
		k.processesSeen(o)
	case watch.LoadEnded:
		k.loadEnded(o.Failure)
	case watch.RestoreEnded:
		k.restored(o)
	case watch.CheckEnded:
		k.checkEnded(o)
	case watch.PullMoved:
		k.pullMoved(o)
	case watch.PullEnded:
		k.pullEnded(o.Err)
	case watch.RemedyEnded:
		k.remedyEnded(o)
	case watch.PauseAsked, watch.ResumeAsked, watch.RestartAsked:
		k.asked(o)
	}
}

// tcpProbed takes a connection that was made. After one that was refused it is to
// another run of the server, and where that is not the container no inspection tells of
// it: what was proven before is proven anew.
func (k *Keeper) tcpProbed(o watch.TCPProbed) {
	if o.Result.Outcome == evidence.Success {
		k.seen.Role.ReachedAcross(o.Across)
		if k.seen.Server.Refused() && k.apart() != "" && !k.remedy.running {
			k.info("the server that is not the container was started again")
			k.anew()
		}
	}
	k.seen.Server.Connected(o.Result)
	k.probed(o.Result)
}

// apiProbed takes a look at the list of models. One that does not come is reason to ask
// the model itself: the list may be all that is slow.
func (k *Keeper) apiProbed(o watch.APIProbed) {
	result, server := o.Result, &k.seen.Server
	server.API = server.API.Add(result)
	switch {
	case result.Outcome == evidence.Success, result.Missing:
		k.heardServer(result.At.Add(-result.Took), result.At)
	case result.Answered: // oddly, so that it may be a proxy in front of nobody
		k.askWhoAnswers()
	}
	if result.Answered && !server.Answered {
		k.kick(Kick{Hint: true})
	}
	server.Answered = server.Answered || result.Answered
	server.Told = server.Told || result.Outcome == evidence.Success || result.Missing
	if server.API.Failures == 1 && !result.Answered && !result.Unresolved && k.machine.State == Ready {
		k.probes.next = result.At
	}
	k.seen.Models.SawListed(o.Listed, k.seen.Main, k.seen.Refused.Model)
	k.probed(result)
}

// loadedListed takes the list of loaded models.
func (k *Keeper) loadedListed(loaded []evidence.LoadedModel) {
	k.looks.unlisted = false
	if k.seen.SawLoaded(loaded, k.turn.now) {
		k.kick(Kick{API: true})
	}
	server := &k.seen.Server
	k.loads.lasting.sawLoaded(server.LoadedAt, server.IsLoaded)
	if server.TCP.Failures > 0 { // an answer is news to the probes that found none
		k.kick(Kick{TCP: true})
	}
	if server.API.Failures > 0 {
		k.kick(Kick{API: true})
	}
	server.Spoke()
}

// activityRead takes a reading of the container's counters. They say nothing of a server
// that is another one.
func (k *Keeper) activityRead(o watch.ActivityRead) {
	k.seen.Role.Read(o.Asked, o.Reading)
	k.askWhoAnswers()
	pulse := &k.seen.Server.Pulse
	if k.apart() != "" {
		*pulse = watch.Pulse{}
		return
	}
	*pulse = pulse.Add(o.Reading)
}
