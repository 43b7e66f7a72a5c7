package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

const (
	// leakLasts is how long memory has to be held without a reason: Ollama itself
	// waits up to 5 s for memory to come back, and a model that is being loaded by
	// somebody else is in no list before it is there.
	leakLasts = time.Minute
	// leakMoves is how long something may move without the count beginning anew:
	// every probe makes the server work for a moment, and a load takes longer.
	leakMoves = 15 * time.Second
)

// Leak follows what processes of the container hold on the GPUs beyond one for
// each loaded model. They are counted, and not compared with what Ollama reckons
// (size_vram): that is an estimate of the time of the load, and a runner takes
// more as its prompts become longer. The zero value knows nothing.
type Leak struct {
	models  string    // which ones are loaded
	seen    time.Time // the newest view that counted
	over    time.Time // since when more than the tolerance is held
	holders []evidence.GPUProcess
}

// Add takes one view. Unknown or hidden numbers begin the count anew, and so does
// another set of models. A view of a moment in which something moves, a load in
// particular, does not count.
func (l Leak) Add(view evidence.GPUView, owner string, loaded []evidence.LoadedModel, moving bool, tolerance uint64) Leak {
	_, holders, known := heldBy(view, owner)
	models := signature(loaded)
	if !known {
		return Leak{}
	}
	if models != l.models || view.SeenAt.Sub(l.seen) > leakMoves {
		l = Leak{models: models}
	}
	if moving {
		return l
	}
	l.seen, l.holders = view.SeenAt, unaccounted(holders, len(loaded))
	if l.Bytes() <= tolerance {
		l.over = time.Time{}
	} else if l.over.IsZero() {
		l.over = view.SeenAt
	}
	return l
}

// Lasts says that the memory has been held without a reason for long enough.
func (l Leak) Lasts(now time.Time) bool { return !l.over.IsZero() && now.Sub(l.over) >= leakLasts }

// Bytes is what no loaded model accounts for, as it was seen last.
func (l Leak) Bytes() uint64 {
	var bytes uint64
	for _, p := range l.holders {
		bytes += p.Bytes
	}
	return bytes
}

// Since is since when the container has held too much; zero while it does not.
func (l Leak) Since() time.Time { return l.over }

func (l Leak) sentence(now time.Time) string {
	var who []string
	for _, p := range l.holders {
		who = append(who, fmt.Sprintf("process %d: %d MiB", p.PID, p.Bytes>>20))
	}
	return fmt.Sprintf("the container has held %d MiB of GPU memory for %s that no loaded model accounts for (%s)",
		l.Bytes()>>20, round(now.Sub(l.over)), strings.Join(who, ", "))
}

// unaccounted are Ollama's processes beyond one for each loaded model. Those that
// hold most are taken for the models'.
func unaccounted(holders []evidence.GPUProcess, models int) []evidence.GPUProcess {
	var processes []evidence.GPUProcess
	for _, p := range holders { // once for each GPU that it uses
		at := slices.IndexFunc(processes, func(known evidence.GPUProcess) bool { return known.PID == p.PID })
		switch {
		case at >= 0:
			processes[at].Bytes += p.Bytes
		case p.Command == "" || strings.Contains(p.Command, "llama"): // not another program in the same container
			processes = append(processes, p)
		}
	}
	slices.SortStableFunc(processes, func(a, b evidence.GPUProcess) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return processes[min(models, len(processes)):]
}

// heldBy is what the container's own processes hold.
func heldBy(view evidence.GPUView, owner string) (bytes uint64, holders []evidence.GPUProcess, known bool) {
	if !view.Known || owner == "" {
		return 0, nil, false
	}
	for _, g := range view.GPUs {
		if !g.ProcessesKnown || g.Coherent || g.Lost {
			return 0, nil, false
		}
		for _, p := range g.Processes {
			if p.ContainerID != owner {
				continue
			}
			if !p.BytesKnown {
				return 0, nil, false
			}
			bytes += p.Bytes
			holders = append(holders, p)
		}
	}
	return bytes, holders, true
}

func signature(loaded []evidence.LoadedModel) string {
	names := make([]string, 0, len(loaded))
	for _, m := range loaded {
		names = append(names, fmt.Sprintf("%s %d", m.Name, m.SizeVRAM))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
