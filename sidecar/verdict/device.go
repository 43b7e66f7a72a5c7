package verdict

import (
	"fmt"
	"slices"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// Card is what is known of the GPUs beside the plain activity.
type Card struct {
	View evidence.GPUView
	// Mismatch says that a restart was begun and given up, because the driver and
	// its library were found not to match; View tells the same where it sees it.
	Mismatch bool
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
	// OwnPeak is the most that they were seen to hold at once, in bytes.
	OwnPeak uint64
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
	if trouble == "" || gone || !p.LoadSince.IsZero() || p.CrashUnresolved || p.Memory.Unresolved {
		return Judgement{}, false
	}
	j := Judgement{Verdict: HostAction, Sentence: trouble}
	switch failures := max(p.Ready.Failures, silences(p.API)); {
	case failures == 0 && proven(p):
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

// silences are the failures of the API that were silence: an odd answer, or a
// name that leads nowhere, says nothing about the model.
func silences(api Streak) int {
	if api.Last.Answered || api.Last.Unresolved {
		return 0
	}
	return api.Failures
}

// deviceTrouble says what the driver has given up, as far as it concerns the
// container: one that computes on the CPU beside a broken GPU has no trouble.
func deviceTrouble(p Picture) string {
	if !p.Container.GPURequested && !p.Card.OwnSeen {
		return ""
	}
	for _, g := range p.Card.View.GPUs {
		if g.Lost && !worksElsewhere(p) {
			return fmt.Sprintf("the driver has lost GPU %d (%s)", g.Index, g.Name)
		}
	}
	if p.Card.Xid.At.IsZero() {
		return ""
	}
	return fmt.Sprintf("the driver reported Xid %d on the GPU %s ago", p.Card.Xid.Code, round(p.Now.Sub(p.Card.Xid.At)))
}

// worksElsewhere says that the container holds memory on a GPU that is not lost:
// then a lost one is another program's, or shows by what it does to the model.
func worksElsewhere(p Picture) bool {
	return slices.ContainsFunc(p.Card.View.GPUs, func(g evidence.GPU) bool {
		return !g.Lost && slices.ContainsFunc(g.Processes, func(process evidence.GPUProcess) bool {
			return process.ContainerID != "" && process.ContainerID == p.Container.ID
		})
	})
}

func anyLost(view evidence.GPUView) bool {
	return slices.ContainsFunc(view.GPUs, func(g evidence.GPU) bool { return g.Lost })
}

// adviceOf is what the driver says of the GPU with the Xid, or the worst that it
// says of any where that is not known; empty if it does not say. What it said
// before the Xid does not count.
func adviceOf(p Picture) evidence.GPUAdvice {
	if p.Card.View.SeenAt.Before(p.Card.Xid.At) {
		return ""
	}
	var advice evidence.GPUAdvice
	first := true
	for _, g := range p.Card.View.GPUs {
		switch {
		case p.Card.Xid.GPU != "" && g.UUID != p.Card.Xid.GPU:
			continue
		case first, advice == evidence.AdviceNone, advice == "" && g.Advice != evidence.AdviceNone:
			advice, first = g.Advice, false
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
