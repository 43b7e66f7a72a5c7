package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAModelThatIsNotOnItsGPU(t *testing.T) {
	none := sizeVRAM(0)
	empty := view(gpuWith())
	tenant := gpuWith(holding(9, modelSize, "c2"))
	full := gpuWith(holding(9, 47_000*mib, "c2"))
	hidden := tenant
	hidden.ProcessesKnown, hidden.Processes = false, nil
	otherOnGPU := func(p *Picture) {
		p.Server.Loaded = append(p.Server.Loaded, evidence.LoadedModel{Name: "other:latest", Size: 4096 * mib, SizeVRAM: 4096 * mib})
	}
	never := func(p *Picture) { p.Model.BestRatio, p.Model.UsedThisRun, p.Devices.OwnSeen = 0, false, false }
	lostIt := func(words string, changes ...func(*Picture)) finding {
		return finding{picture: onCard(changes...), want: GPULost, need: MendWhenQuiet, words: words}
	}
	healthy := func(changes ...func(*Picture)) finding { return finding{picture: onCard(changes...), want: Healthy} }
	find(t, map[string]finding{
		"by Ollama and the driver":                           lostIt("the driver sees 0 MiB in use", none, empty),
		"by Ollama and its log":                              lostIt("its log says", none, noView, logSays(evidence.GPUNotFound)),
		"by Ollama and its pace":                             lostIt("3.0 tokens a second, usually 40.0", none, noView, fallen),
		"by the driver and its pace":                         lostIt("usually", empty, fallen),
		"beside another model":                               lostIt("in use, and other models are said to take 4096 MiB", none, view(gpuWith(holding(2, 4200*mib, "c1"))), otherOnGPU),
		"beside another tenant":                              lostIt("0 MiB", none, view(tenant)),
		"from the start of the container on":                 {picture: onCard(none, empty, never, logSays(evidence.GPUNotFound)), want: CPUFallback, need: MendWhenQuiet},
		"and may be meant to be so":                          {picture: onCard(none, empty, never), want: CPUFallback},
		"where no GPU was ever seen":                         healthy(none, noView, never, fallen, logSays(evidence.GPUNotFound)),
		"where the host has none":                            healthy(none, view(), logSays(evidence.GPUNotFound)),
		"but the driver sees it there, beside another model": healthy(none, view(gpuWith(holding(1, modelSize, "c1"), holding(2, 4096*mib, "c1"))), otherOnGPU),
		"in a list of before its runner died":                healthy(none, empty, func(p *Picture) { p.Server.LoadedKnown = false }),
		"because a tenant fills the card":                    healthy(none, view(full)),
		"whose container held another model":                 {picture: onCard(none, empty, func(p *Picture) { p.Model.BestRatio, p.Model.UsedThisRun = 0, false }), want: CPUFallback},
		"by Ollama alone":                                    healthy(none, noView),
		"by the driver alone":                                healthy(empty),
		"by its pace alone":                                  healthy(noView, fallen),
		"by its log alone":                                   healthy(noView, logSays(evidence.GPUNotFound)),
		"but the driver sees it there":                       healthy(none, fallen, logSays(evidence.GPUNotFound)),
		"because only a part of it fits":                     healthy(sizeVRAM(modelSize/3), fallen, noView),
		"where the list is hidden":                           healthy(none, view(hidden)),
		"and slow in the heat":                               healthyIs(Throttled, onCard(none, noView, fallen, throttledFor(time.Minute))),
		"by somebody's wish":                                 healthy(none, empty, fallen, func(p *Picture) { p.OffGPU = true }),
		"by its container's environment":                     healthy(none, empty, fallen, func(p *Picture) { p.Container.Seen.Env = map[string]string{"CUDA_VISIBLE_DEVICES": "-1"} }),
		"in a container that asked for none":                 healthy(none, empty, func(p *Picture) { p.Container.Seen.GPURequested = false }),
		"whose size nobody knows":                            healthy(empty, fallen, func(p *Picture) { p.Server.Loaded[0].Size = 0 }),
		"in a view of long ago":                              healthy(none, empty, func(p *Picture) { p.Devices.View.SeenAt = ago(viewAge + time.Second) }),
		"whose GPU shares the host's memory":                 healthy(none, view(evidence.GPU{MemoryKnown: true, ProcessesKnown: true, Coherent: true})),
		"whose GPU does not tell its memory":                 healthy(none, view(evidence.GPU{ProcessesKnown: true})),
		"and was given a restart for it":                     quietUsed(GPULost, onCard(none, empty)),
		"and not back after the restart":                     quietUsed(CPUFallback, onCard(none, empty, func(p *Picture) { p.Model.UsedThisRun = false })),
		"while the engine is away":                           healthyIs(EngineAway, onCard(none, empty, engineAway)),
		"while a probe waits":                                {picture: onCard(none, empty, doubt), before: Judgement{Verdict: GPULost, Answers: true, Need: MendWhenQuiet}, want: GPULost, need: MendWhenQuiet},
		"while a probe waits, not seen before":               {picture: onCard(none, empty, doubt), before: Judgement{Verdict: Healthy, Answers: true}, want: Busy},
		"when a probe has failed":                            {picture: onCard(none, empty, ready(1, time.Second, evidence.ProbeResult{})), before: Judgement{Verdict: GPULost, Answers: true, Need: MendWhenQuiet}, want: Healthy},
	})
}

// healthyIs is a finding without a remedy.
func healthyIs(v Verdict, p Picture) finding { return finding{picture: p, want: v} }

// quietUsed is the same, where a quiet moment was used for it.
func quietUsed(v Verdict, p Picture) finding {
	return finding{picture: p, after: []Help{QuietMoment}, want: v}
}
