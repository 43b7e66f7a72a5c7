package verdict

import (
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
	// leakSettles is how long after a change of the loaded models the difference
	// between what is held and what Ollama reckons is taken for normal.
	leakSettles = 30 * time.Second
)

// Leak follows what the container holds on the GPUs beyond what its loaded
// models account for. What Ollama reckons (size_vram) is an estimate of the time
// of the load, so that with models loaded only growth since then counts. The
// zero value knows nothing.
type Leak struct {
	models  string // which ones are loaded
	since   time.Time
	normal  uint64 // the excess that belongs to these models
	excess  uint64
	over    time.Time // since when the excess is beyond normal and tolerance
	holders []evidence.GPUProcess
}

// Add takes one view. Time counts only while the numbers are known and nothing
// moves: a model that is being loaded is in no list.
func (l Leak) Add(view evidence.GPUView, owner string, loaded []evidence.LoadedModel, moving bool, tolerance uint64) Leak {
	held, holders, known := heldBy(view, owner)
	if !known || moving {
		l.over = time.Time{} // what is normal for these models stays known
		return l
	}
	models := signature(loaded)
	if l.since.IsZero() || models != l.models {
		l = Leak{models: models, since: view.SeenAt}
	}
	var reckoned uint64
	for _, m := range loaded {
		reckoned += m.SizeVRAM
	}
	l.excess, l.holders = held-min(held, reckoned), holders
	if len(loaded) > 0 && view.SeenAt.Sub(l.since) < leakSettles {
		l.normal = max(l.normal, l.excess)
	}
	if l.excess <= l.normal+tolerance {
		l.over = time.Time{}
	} else if l.over.IsZero() {
		l.over = view.SeenAt
	}
	return l
}

// Lasts says that the memory has been held without a reason for long enough.
func (l Leak) Lasts(now time.Time) bool { return !l.over.IsZero() && now.Sub(l.over) >= leakLasts }

// Bytes is what is held beyond what is normal.
func (l Leak) Bytes() uint64 { return l.excess - min(l.excess, l.normal) }

// Since is since when the container has held too much; zero while it does not.
func (l Leak) Since() time.Time { return l.over }

func (l Leak) sentence(now time.Time) string {
	words := fmt.Sprintf("the container has held %d MiB of GPU memory for %s that no loaded model accounts for", l.Bytes()>>20, round(now.Sub(l.over)))
	var who []string
	for _, p := range l.holders {
		who = append(who, fmt.Sprintf("process %d: %d MiB", p.PID, p.Bytes>>20))
	}
	if len(who) > 0 {
		words += " (" + strings.Join(who, ", ") + ")"
	}
	return words
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
