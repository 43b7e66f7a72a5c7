package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// LeakLasts is how long memory has to be held without a reason: Ollama itself
	// waits up to 5 s for memory to come back, and a model that is being loaded by
	// somebody else is in no list before it is there.
	LeakLasts = time.Minute
	// leakLastsBusy is the same where something moves, and it may be a load that
	// nobody tells of. Few take that long, and the remedy waits for its end.
	leakLastsBusy = 10 * time.Minute
	// leakMoves is how long something may move without the count of quiet time
	// beginning anew: every probe makes the server work for a moment, and a load
	// takes longer.
	leakMoves = 15 * time.Second
	// listAge is how old the list of loaded models may be, by the server's clock,
	// which is the one of the host whose GPUs are looked at.
	listAge = 45 * time.Second
	// leakUnseen is how long no view may count without all beginning anew.
	leakUnseen = time.Minute
)

// Leak follows what processes of the container hold on the GPUs beyond one for
// each loaded model. They are counted, and not compared with what Ollama reckons
// (size_vram): that is an estimate of the time of the load, and a runner takes
// more as its prompts become longer. The zero value knows nothing.
type Leak struct {
	over    time.Time // since when more than the tolerance is held
	counted time.Time // the newest view that counted
	models  string    // which ones were loaded in the quiet views
	quiet   time.Time // since when it was held in every quiet view, with these models
	rested  time.Time // the newest quiet view
	holders []evidence.GPUProcess
}

// Add takes one view, and whether something moves: a load in particular. Unknown
// or hidden numbers begin the count anew. A list of models that is out of date
// does not count. Traffic does not give back what has lasted.
func (l Leak) Add(view evidence.GPUView, owner string, loaded []evidence.LoadedModel, moving bool, tolerance uint64) Leak {
	if moving && l.Lasts(view.SeenAt) {
		return l
	}
	_, holders, known := view.Holders(owner)
	if !known {
		return Leak{}
	}
	if view.SeenAt.Sub(l.rested) > leakMoves {
		l.quiet = time.Time{}
	}
	if view.SeenAt.Sub(l.counted) > leakUnseen {
		l.over = time.Time{}
	}
	if outOfDate(loaded, view.SeenAt) {
		return l
	}
	l.counted, l.holders = view.SeenAt, unaccounted(holders, len(loaded))
	switch {
	case l.Bytes() <= tolerance:
		return Leak{}
	case l.over.IsZero():
		l.over = view.SeenAt
	}
	if !moving {
		l = l.inQuiet(view.SeenAt, signature(loaded))
	}
	return l
}

// inQuiet counts a view in which nothing moved. Another set of models begins the
// count anew.
func (l Leak) inQuiet(at time.Time, models string) Leak {
	if l.quiet.IsZero() || models != l.models {
		l.quiet, l.models = at, models
	}
	l.rested = at
	return l
}

// outOfDate says that a model may have been loaded since the list was read: it is
// read with the probes, and none is sent while users' answers show the same.
func outOfDate(loaded []evidence.LoadedModel, now time.Time) bool {
	return slices.ContainsFunc(loaded, func(m evidence.LoadedModel) bool { return now.Sub(m.SeenAt).Abs() > listAge })
}

// Lasts says that the memory has been held without a reason for long enough.
func (l Leak) Lasts(now time.Time) bool {
	return !l.quiet.IsZero() && now.Sub(l.quiet) >= LeakLasts || !l.over.IsZero() && now.Sub(l.over) >= leakLastsBusy
}

// Bytes is what no loaded model accounts for, as it was seen last.
func (l Leak) Bytes() uint64 {
	var bytes uint64
	for _, p := range l.holders {
		bytes += p.Bytes
	}
	return bytes
}

// Holders are the processes that hold it, those that hold most first.
func (l Leak) Holders() []evidence.GPUProcess { return l.holders }

// Since is since when the container has held too much; zero while it does not.
func (l Leak) Since() time.Time { return l.over }

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

func signature(loaded []evidence.LoadedModel) string {
	names := make([]string, 0, len(loaded))
	for _, m := range loaded {
		names = append(names, fmt.Sprintf("%s %d", m.Name, m.SizeVRAM))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
