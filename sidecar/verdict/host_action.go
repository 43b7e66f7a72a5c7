package verdict

import (
	"fmt"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
)

// HostAction means that only a person can mend it, or a restart would make it worse.
const HostAction Verdict = "host_action"

var hostActionRecord = Record{
	Verdict: HostAction, Standing: Beyond,
	Need: Nothing, Unproved: Wait, Finds: []Need{Reload, Person, MendWithBudget},
	Means:  "a device error of the driver's, a driver that does not match its library, a container that does not end or start, a budget that is spent",
	Does:   "no restart; says what a person has to do, and serves as long as the model answers",
	Signs:  "an Xid of the device class, a lost GPU, the driver's own advice to reset or reboot, a driver and a library that do not match, a container that does not end or start, or a restart budget that is spent; or a fault of a server that is not the container of CLAWGATE_CONTAINER",
	Remedy: "none: say what the person has to do; the gate is open as long as the model answers",
	Never:  "restart again and again",
	Faults: "F4, F17, F20, F22, F23",
}

// deviceFailed covers a GPU that the driver gave up. No restart of a container
// brings it back (docs/faults.md, F17), but a model that answers is served: what the
// error hit may have been another program's. A model that has left memory is
// loaded to see whether it still answers; one whose runner died of it is judged as
// usual. Only a restart is then out of the question.
//
// What is known for certain of the model (order) goes before it. So does whatever is
// found of a model beside the main one: its silence says nothing of the one that
// Clawgate is there for.
func deviceFailed(p Picture) (Judgement, bool) {
	trouble := DeviceTrouble(p)
	if trouble == "" {
		return Judgement{}, false
	}
	j := Judgement{Verdict: HostAction, Sentence: trouble}
	away := awayFromMemory(p)
	switch failures := max(p.Model.Streak.Failures, silences(p)); {
	case away != "" && nothingToDoubt(p):
		return Judgement{}, false // what is wrong is judged as usual
	case away != "":
		j.Need = Reload
		j.Sentence += "; " + away + ", and has to answer before it is served"
	case failures == 0 && proven(p):
		j.Sentence += "; the model still answers"
	case failures < p.Limit.FailureThreshold:
		j.Sentence += "; whether the model still answers is being looked at"
	default:
		j.Need = Person
		j.Sentence += "; the model does not answer"
	}
	j.Sentence += "; " + WhatTheHostNeeds(p)
	if j.Need == Person && RestartMayHelp(p) { // what is wrong is judged as usual, until a restart was in vain
		return Judgement{Then: []Then{{After: Restart, Judgement: j}}}, false
	}
	return j, true
}

// awayFromMemory says where a model is that cannot answer now; empty when it is
// in memory, as far as is known.
func awayFromMemory(p Picture) string {
	switch {
	case !p.LoadSince.IsZero():
		return "the model is being loaded"
	case p.Server.LoadedKnown && !p.Server.IsLoaded(p.Target):
		return "the model is not in memory"
	}
	return ""
}

// nothingToDoubt says that a model outside of memory has answered since the error
// and left memory afterwards, or that more than its GPU is in question.
func nothingToDoubt(p Picture) bool {
	stalls := !p.LoadSince.IsZero() && loadStalls(p, p.LoadSince)
	return proven(p) || stalls || silences(p) >= p.Limit.FailureThreshold
}

// RestartMayHelp says that the driver itself sees no need to do anything about
// the device. Its word is trusted over any table, for one restart.
func RestartMayHelp(p Picture) bool {
	return adviceOf(p) == evidence.AdviceNone && !anyLost(p.Devices.LastSeen())
}

// silences are the failures of the API that were silence, of a server that does
// nothing else meanwhile: an odd answer, or a name that leads nowhere, says nothing
// about the model.
func silences(p Picture) int {
	if p.Server.API.Failures == 0 || p.Server.API.Last.Answered || p.Server.API.Last.Unresolved || worksNow(p, p.Server.API.FailingSince) {
		return 0
	}
	return p.Server.API.Failures
}

// DeviceTrouble says what the driver has given up, as far as it concerns the
// container: one that computes on the CPU beside a broken GPU has no trouble.
func DeviceTrouble(p Picture) string {
	if !p.Container.Seen.GPURequested && !p.Devices.OwnSeen {
		return ""
	}
	for _, g := range p.Devices.LastSeen().GPUs {
		if g.Lost && !worksElsewhere(p) {
			return fmt.Sprintf("the driver has lost GPU %d (%s)", g.Index, g.Name)
		}
	}
	if xids := p.Devices.Xids(); len(xids) > 0 {
		newest := xids[len(xids)-1]
		return fmt.Sprintf("the driver reported Xid %d on the GPU %s ago", newest.Code, round(p.Now.Sub(newest.At)))
	}
	for _, g := range p.Devices.LastSeen().GPUs {
		if g.Advice.NeedsHost() && p.Devices.LastSeen().MayUse(p.Container.Seen.ID, g) { // its Xid may have come before Clawgate did
			return fmt.Sprintf("the driver is not content with GPU %d (%s)", g.Index, g.Name)
		}
	}
	return ""
}

// worksElsewhere says that the container holds memory on a GPU that is not lost:
// then a lost one is another program's, or shows by what it does to the model.
func worksElsewhere(p Picture) bool {
	return slices.ContainsFunc(p.Devices.LastSeen().Of(p.Container.Seen.ID), func(g evidence.GPU) bool { return !g.Lost })
}

func anyLost(view evidence.GPUView) bool {
	return slices.ContainsFunc(view.GPUs, func(g evidence.GPU) bool { return g.Lost })
}

// adviceOf is the worst that the driver says of the GPUs with an Xid, or of all that
// concern the container where there was none; empty if it does not say.
func adviceOf(p Picture) evidence.GPUAdvice {
	worst, xids := evidence.AdviceNone, p.Devices.Xids()
	for _, xid := range xids {
		worst = worse(worst, adviceAfter(p.Devices.LastSeen(), xid))
	}
	if len(xids) > 0 {
		return worst
	}
	for _, g := range p.Devices.LastSeen().GPUs {
		if p.Devices.LastSeen().MayUse(p.Container.Seen.ID, g) {
			worst = worse(worst, g.Advice)
		}
	}
	return worst
}

// adviceAfter is what the driver says of the GPU with the Xid, or the worst that it
// says of any where that is not known. What it said before the Xid does not count.
func adviceAfter(view evidence.GPUView, xid evidence.Xid) evidence.GPUAdvice {
	worst, told := evidence.AdviceNone, false
	for _, g := range view.GPUs {
		if xid.GPU == "" || g.UUID == xid.GPU {
			worst, told = worse(worst, g.Advice), true
		}
	}
	if !told || view.SeenAt.Before(xid.At) {
		return ""
	}
	return worst
}

// worse of two: a need over silence, silence over being told that there is none.
func worse(a, b evidence.GPUAdvice) evidence.GPUAdvice {
	if a == evidence.AdviceNone || a == "" && b != evidence.AdviceNone {
		return b
	}
	return a
}

// WhatTheHostNeeds says what a person has to do about a device that failed.
func WhatTheHostNeeds(p Picture) string {
	switch advice := adviceOf(p); advice {
	case "", evidence.AdviceNone, evidence.AdviceOther:
		return "look at the host: the GPU may need a reset, or the host a reboot"
	default:
		return "the driver's own advice: " + string(advice)
	}
}
