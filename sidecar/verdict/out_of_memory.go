package verdict

import (
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// OutOfMemory means that the model found no room on the GPU.
const OutOfMemory Verdict = "out_of_memory"

var outOfMemoryRecord = Record{
	Verdict: OutOfMemory, Standing: Failing,
	Need: Reload, Finds: []Need{MakeRoom, Mend, Person}, Meanwhile: Load,
	Means:  "Ollama found no room for the model, twice",
	Does:   "unloads models that nobody uses; restarts only where the container itself wastes the memory, or nobody can tell",
	Signs:  "Ollama says twice that there is no memory for the model",
	Remedy: "unload models that nobody uses; restart once if the container itself holds the memory, or if that cannot be told and nobody uses another model; else say who does",
	Never:  "restart for every such error, or for two with answers between them; touch another program's process",
	Faults: "F11",
}

// sameLoad is how far apart the reports of one failed load may come: every
// request that waited for it gets one.
const sameLoad = 2 * time.Second

// failedLoads counts the loads that failed at these times.
func failedLoads(times []time.Time) int {
	count, last := 0, time.Time{}
	for _, at := range times {
		if at.Sub(last) > sameLoad {
			count++
		}
		last = at
	}
	return count
}

// outOfMemory: Ollama itself evicts and tries again once, so that the first time
// is left to it. Then other models make room. A restart helps only against
// memory that the container itself holds without using it, or that nobody can
// see (docs/faults.md, F11 and F15): Ollama loads one model at a time, so that what
// is held while this one's loads fail is no other's load. Where nobody can see it,
// it may as well be held by a model that somebody uses, past the relay perhaps.
func outOfMemory(p Picture) (Judgement, bool) {
	trouble := p.Model.MemoryTrouble(p.Now)
	if !trouble.Unresolved || len(trouble.Times) == 0 {
		return Judgement{}, false
	}
	j := Judgement{Verdict: OutOfMemory, Model: p.Target, Sentence: "there is no room for the model: " + trouble.Detail}
	foreign, view := foreignBytes(p)
	if view {
		j.Sentence += fmt.Sprintf("; other programs hold %d MiB of GPU memory", foreign>>20)
	}
	if failedLoads(trouble.Times) < 2 {
		return j, true
	}
	next := j
	next.Need = Person
	next.Sentence += "; choose a smaller model or context, or free the GPU"
	if !p.focusOnOther() && (heldInVain(p) || !view && !p.Traffic.UsesBeside(p.Target) && p.Server.Pulse.RestsFor(p.Now) >= nobodyWorks) {
		next = Judgement{Verdict: OutOfMemory, Need: Mend, Sentence: j.Sentence, Then: []Then{{After: Restart, Judgement: next}}}
	}
	if len(OthersAtRest(p, p.Target)) > 0 {
		j.Need, j.Then = MakeRoom, []Then{{After: Room, Judgement: next}}
		return j, true
	}
	return next, true
}

func foundNoRoom(p Picture) bool { return p.Model.MemoryTrouble(p.Now).Unresolved }

// heldInVain says that the container has held memory without a reason for long enough
// to be no load, where it is known that there is none.
func heldInVain(p Picture) bool {
	since := p.Devices.Leak.Since()
	return !since.IsZero() && p.Now.Sub(since) >= watch.LeakLasts
}

// nobodyWorks is how long the container has to rest for nobody to be using it.
const nobodyWorks = 10 * time.Second

// aside says that the picture is about another model than the main one.
func (p Picture) focusOnOther() bool { return p.Target != p.Main }

// OthersAtRest are the loaded models beside one that nobody uses. The main model
// makes room for no other, and what has no name any more cannot be told to.
func OthersAtRest(p Picture, beside string) []string {
	var names []string
	for _, m := range p.Server.Loaded {
		ours := p.Server.Shares(m.Name, beside) || p.focusOnOther() && p.Server.Shares(m.Name, p.Main)
		if !ours && p.Server.Reachable(m.Name) && !UsesPlace(p, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// UsesPlace says that Ollama works on a request for the model, or for another one that
// has the same runner.
func UsesPlace(p Picture, model string) bool {
	return slices.ContainsFunc(p.Traffic.InFlight, func(r evidence.Request) bool { return p.Server.Shares(r.Model, model) })
}

// foreignBytes is the GPU memory of processes that are not the container's.
func foreignBytes(p Picture) (bytes uint64, known bool) {
	own, _, known := p.Devices.View.Holders(p.Container.Seen.ID)
	if !known || !p.Devices.OwnSeen {
		return 0, false
	}
	var used uint64
	for _, g := range p.Devices.View.GPUs {
		if !g.MemoryKnown {
			return 0, false
		}
		used += g.UsedBytes
	}
	return used - min(used, own), true
}
