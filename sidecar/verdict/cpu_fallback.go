package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// CPUFallback means that the server has run without its GPU since it started.
const CPUFallback Verdict = "cpu_fallback"

var cpuFallbackRecord = Record{
	Verdict: CPUFallback, Standing: Serving,
	Need: Nothing, Finds: []Need{MendWhenQuiet},
	Means:  "two signs of four say that the model runs on the CPU",
	Does:   "restarts at a quiet moment, once",
	Signs:  "the same two of four, from the start of the container on",
	Remedy: "restart at a quiet moment, once",
	Never:  "believe size_vram alone; where the card has no room for the model",
	Faults: "F12",
}

// elsewhere is the part of a model's size below which GPU memory in use cannot be the
// model.
const elsewhere = 0.1

// fallback looks for a model that runs on the CPU though its container has a
// GPU. Each sign alone has been seen to be wrong (ollama/ollama#7323, #12722):
// two have to agree.
func fallback(p Picture) (Judgement, bool) {
	m, loaded := p.Server.Listed(p.Target)
	if !p.Server.LoadedKnown || !loaded || m.Size == 0 || !p.Container.Seen.GPURequested || offGPU(p) || p.Devices.View.Known && len(p.Devices.View.GPUs) == 0 {
		return Judgement{}, false
	}
	signs := fallbackSigns(p, m)
	seen := p.Model.BestRatio > 0 || p.Devices.View.Known
	if len(signs) < 2 || !seen {
		return Judgement{}, false
	}
	j := Judgement{Verdict: CPUFallback, Sentence: "the model runs on the CPU: " + strings.Join(signs, "; ")}
	// A model that was never seen on a GPU may be meant to be so (num_gpu in its
	// Modelfile), as long as Ollama itself found one.
	onceThere := p.Model.BestRatio > 0 || float64(p.Model.OwnPeak) >= elsewhere*float64(m.Size)
	if onceThere || p.Devices.Hint == evidence.GPUNotFound {
		j.Need = MendWhenQuiet
	}
	if p.Model.UsedThisRun {
		j.Verdict, j.Sentence = GPULost, "the container has lost its GPU: "+strings.Join(signs, "; ")
	}
	return j, true
}

// offGPU says that somebody asked for the CPU.
func offGPU(p Picture) bool {
	return p.OffGPU || p.Container.Seen.Env["CUDA_VISIBLE_DEVICES"] == "-1"
}

// fallbackSigns are empty where the driver shows the model on a GPU, whatever
// else is said. A model that only partly fits is no sign: Ollama leaves the rest
// to the CPU when another tenant is on the GPU, and that is slow all the same.
func fallbackSigns(p Picture, m evidence.LoadedModel) []string {
	var signs []string
	if m.SizeVRAM == 0 {
		signs = append(signs, "Ollama says that nothing of it is on a GPU")
	}
	bytes, own, known := onGPU(p)
	others := besides(p)
	switch little := float64(bytes-min(bytes, others)) < elsewhere*float64(m.Size); {
	case known && little && !roomFor(p, m):
		return nil // Ollama rightly took the CPU
	case known && little && others > 0:
		signs = append(signs, fmt.Sprintf("the driver sees %d MiB in use, and other models are said to take %d MiB", bytes>>20, others>>20))
	case known && little:
		signs = append(signs, fmt.Sprintf("the driver sees %d MiB in use", bytes>>20))
	case known && own:
		return nil
	}
	if p.Model.Pace.Fallen() && !heldDown(p) { // heat slows a GPU down, too
		signs = append(signs, fmt.Sprintf("it generates %.1f tokens a second, usually %.1f", p.Model.Pace.Fastest(), p.Model.Pace.Usual()))
	}
	if p.Devices.Hint == evidence.GPUNotFound {
		signs = append(signs, "its log says that it found no GPU")
	}
	return signs
}

// roomFor says that at least half of the model would fit on the GPUs. A server that
// found no GPU at its start did not look.
func roomFor(p Picture, m evidence.LoadedModel) bool {
	var free uint64
	for _, g := range p.Devices.View.GPUs {
		free += g.FreeBytes
	}
	return free >= m.Size/2 || p.Devices.Hint == evidence.GPUNotFound
}

// besides is what Ollama says that the models beside the target take on GPUs.
func besides(p Picture) (bytes uint64) {
	for _, m := range p.Server.Loaded {
		if m.Name != p.Target {
			bytes += m.SizeVRAM
		}
	}
	return bytes
}

// onGPU is the most GPU memory that can be the container's. own says that its
// processes hold it: their list counts only where it is complete and the driver
// has shown ours before, for a process in another PID namespace may be hidden
// (NVIDIA/nvidia-docker#179, NVIDIA/nvidia-container-toolkit#1013).
func onGPU(p Picture) (bytes uint64, own, known bool) {
	if !p.Devices.View.Known || p.Now.Sub(p.Devices.View.SeenAt) > viewAge {
		return 0, false, false
	}
	var device uint64
	for _, g := range p.Devices.View.GPUs {
		if !g.MemoryKnown || g.Coherent {
			return 0, false, false
		}
		device += g.UsedBytes
	}
	held, _, complete := p.Devices.View.Holders(p.Container.Seen.ID)
	if complete && p.Devices.OwnSeen {
		return min(held, device), true, true
	}
	return device, false, true
}

// viewAge is how old a view of the GPUs may be to say something of this moment.
const viewAge = 15 * time.Second
