package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// Card is what is known of the GPUs beside the plain activity.
type Card struct {
	View evidence.GPUView
	// Xid is the newest error of the device class on a GPU of the container's, in
	// the present run of the container; a zero At without one.
	Xid evidence.Xid
	// Hint is what Ollama's own log says of the GPUs it found.
	Hint evidence.GPUHint
	// BestRatio is the largest part of Target that was ever seen on a GPU, 0 to 1,
	// and UsedThisRun that it was there in this run of the container.
	BestRatio   float64
	UsedThisRun bool
	// ByWish says that somebody asked for the CPU (the option num_gpu).
	ByWish bool
	// OwnSeen says that the driver has shown processes of this container before,
	// so that not seeing them means something.
	OwnSeen bool
	Pace    Pace
	Leak    Leak
}

// deviceFailed covers a GPU that the driver gave up. No restart of a container
// brings it back (faults.md F17), but a model that answers is served: what the
// error hit may have been another program's. A model that has left memory, or
// whose runner died of it, is loaded and judged as usual; only a restart is then
// out of the question.
func deviceFailed(p Picture) (Judgement, bool) {
	trouble := deviceTrouble(p)
	gone := p.LoadedKnown && !isLoaded(p.Loaded, p.Target)
	if trouble == "" || gone || !p.LoadSince.IsZero() || p.CrashUnresolved {
		return Judgement{}, false
	}
	j := Judgement{Verdict: HostAction, Sentence: trouble}
	switch failures := max(p.Ready.Failures, p.API.Failures); {
	case failures == 0 && p.Ready.Successes >= p.Limit.SuccessThreshold:
		j.Sentence += "; the model still answers"
	case failures < p.Limit.FailureThreshold:
		j.Sentence += "; whether the model still answers is being looked at"
	case restartMayHelp(p):
		return Judgement{}, false // what is wrong is judged as usual
	default:
		j.Hopeless = true
		j.Sentence += "; the model does not answer"
	}
	j.Sentence += "; " + whatTheHostNeeds(p)
	return j, true
}

// restartMayHelp says that the driver itself sees no need to do anything about
// the device. Its word is trusted over any table, for one restart.
func restartMayHelp(p Picture) bool {
	return adviceOf(p) == evidence.AdviceNone && !p.Taken.Restarted && !anyLost(p.Card.View)
}

func deviceTrouble(p Picture) string {
	for _, g := range p.Card.View.GPUs {
		if g.Lost && p.Container.GPURequested {
			return fmt.Sprintf("the driver has lost GPU %d (%s)", g.Index, g.Name)
		}
	}
	if p.Card.Xid.At.IsZero() {
		return ""
	}
	return fmt.Sprintf("the driver reported Xid %d on the GPU %s ago", p.Card.Xid.Code, round(p.Now.Sub(p.Card.Xid.At)))
}

func anyLost(view evidence.GPUView) bool {
	return slices.ContainsFunc(view.GPUs, func(g evidence.GPU) bool { return g.Lost })
}

// adviceOf is what the driver says of the GPU with the Xid, or of the worst one
// where that is not known; empty if it says nothing.
func adviceOf(p Picture) evidence.GPUAdvice {
	var advice evidence.GPUAdvice
	for _, g := range p.Card.View.GPUs {
		if p.Card.Xid.GPU != "" && g.UUID != p.Card.Xid.GPU {
			continue
		}
		if advice == "" || advice == evidence.AdviceNone {
			advice = g.Advice
		}
	}
	return advice
}

func whatTheHostNeeds(p Picture) string {
	switch advice := adviceOf(p); advice {
	case "", evidence.AdviceNone, evidence.AdviceOther:
		return "look at the host: the GPU may need a reset, or the host a reboot"
	default:
		return "the driver's own advice: " + string(advice)
	}
}

const (
	// fallbackFactor: a 32B model is ten and more times slower on a CPU; several
	// requests at once, long contexts and heat cost less than this.
	fallbackFactor = 5
	// elsewhere is the part of a model's size below which GPU memory in use
	// cannot be the model.
	elsewhere = 0.1
)

// fallback looks for a model that runs on the CPU though its container has a
// GPU. Each sign alone has been seen to be wrong (ollama/ollama#7323, #12722):
// two have to agree.
func fallback(p Picture) (Judgement, bool) {
	if !p.Container.GPURequested || p.Card.ByWish || p.Card.View.Known && len(p.Card.View.GPUs) == 0 {
		return Judgement{}, false
	}
	signs := fallbackSigns(p)
	seen := p.Card.BestRatio > 0 || p.Card.View.Known
	if len(signs) < 2 || !seen {
		return Judgement{}, false
	}
	j := Judgement{Verdict: CPUFallback, RemedyDue: true, AtIdle: true, Sentence: "the model runs on the CPU: " + strings.Join(signs, "; ")}
	if p.Card.UsedThisRun {
		j.Verdict, j.Sentence = GPULost, "the container has lost its GPU: "+strings.Join(signs, "; ")
	}
	return j, true
}

func fallbackSigns(p Picture) []string {
	m, loaded := loadedModel(p.Loaded, p.Target)
	if !loaded || m.Size == 0 {
		return nil
	}
	var signs []string
	switch ratio := float64(m.SizeVRAM) / float64(m.Size); {
	case m.SizeVRAM == 0:
		signs = append(signs, "Ollama says that nothing of it is on a GPU")
	case p.Card.BestRatio > 0 && ratio < p.Card.BestRatio/2:
		signs = append(signs, fmt.Sprintf("Ollama says that %.0f %% of it is on a GPU, it was %.0f %%", 100*ratio, 100*p.Card.BestRatio))
	}
	if used, known := onGPU(p); known && float64(used) < elsewhere*float64(m.Size) {
		signs = append(signs, fmt.Sprintf("the driver sees %d MiB in use", used>>20))
	}
	if p.Card.Pace.Fallen() {
		signs = append(signs, p.Card.Pace.sentence())
	}
	if p.Card.Hint == evidence.GPUNotFound {
		signs = append(signs, "its log says that it found no GPU")
	}
	return signs
}

// onGPU is the most GPU memory that can be the container's. A list of processes
// counts only where the driver has shown ours before: a process in another PID
// namespace may be hidden (faults.md, NVML fact 8).
func onGPU(p Picture) (bytes uint64, known bool) {
	if !p.Card.View.Known || p.Now.Sub(p.Card.View.SeenAt) > viewAge {
		return 0, false
	}
	var device, own uint64
	for _, g := range p.Card.View.GPUs {
		if !g.MemoryKnown || g.Coherent {
			return 0, false
		}
		device += g.UsedBytes
		for _, process := range g.Processes {
			if process.ContainerID == p.Container.ID {
				own += process.Bytes
			}
		}
	}
	if p.Card.OwnSeen {
		return min(own, device), true
	}
	return device, true
}

// viewAge is how old a view of the GPUs may be to say something of this moment.
const viewAge = 15 * time.Second

func loadedModel(loaded []evidence.LoadedModel, model string) (evidence.LoadedModel, bool) {
	for _, m := range loaded {
		if m.Name == model {
			return m, true
		}
	}
	return evidence.LoadedModel{}, false
}
