package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const tolerance = 512 * mib

// glance is what one view of a leak test shows.
type glance struct {
	gpus   []evidence.GPU
	loaded []evidence.LoadedModel
	moving bool
	hidden bool
	owner  string
	age    time.Duration // of the list of models
}

// follow takes a glance every two seconds for the time d, and returns the count
// and the time of the last view.
func follow(l Leak, from time.Time, d time.Duration, g glance) (Leak, time.Time) {
	at := from
	for ; at.Sub(from) <= d; at = at.Add(2 * time.Second) {
		v := viewOf(g.gpus...)
		v.SeenAt, v.Known = at, !g.hidden
		fresh := slices.Clone(g.loaded)
		for i := range fresh {
			fresh[i].SeenAt = at.Add(-g.age)
		}
		l = l.Add(v, g.owner, fresh, g.moving, tolerance)
	}
	return l, at.Add(-2 * time.Second)
}

func TestWhatIsLeakedMemory(t *testing.T) {
	one := []evidence.LoadedModel{{Name: target, SizeVRAM: modelSize}}
	runner, orphan := holding(1, modelSize, "c1"), holding(2, 9000*mib, "c1")
	dark := gpuWith(runner, orphan)
	dark.ProcessesKnown = false
	coherent := gpuWith(runner, orphan)
	coherent.Coherent = true
	gone := gpuWith(orphan)
	gone.Lost = true
	silent := gpuWith(orphan)
	silent.Processes[0].BytesKnown = false
	other := holding(2, 9000*mib, "c1")
	other.Command = "python3 train.py"
	for name, c := range map[string]struct {
		glance
		want bool
	}{
		"a runner whose model is not listed":    {glance{gpus: []evidence.GPU{gpuWith(orphan)}}, true},
		"an orphan beside the loaded model":     {glance{gpus: []evidence.GPU{gpuWith(runner, orphan)}, loaded: one}, true},
		"a loaded model":                        {glance{gpus: []evidence.GPU{gpuWith(runner)}, loaded: one}, false},
		"a model that takes more than reckoned": {glance{gpus: []evidence.GPU{gpuWith(holding(1, 2*modelSize, "c1"))}, loaded: one}, false},
		"a model on two GPUs":                   {glance{gpus: []evidence.GPU{gpuWith(runner), gpuWith(runner)}, loaded: one}, false},
		"an orphan on two GPUs":                 {glance{gpus: []evidence.GPU{gpuWith(holding(2, 300*mib, "c1")), gpuWith(holding(2, 300*mib, "c1"))}}, true},
		"no more than the tolerance":            {glance{gpus: []evidence.GPU{gpuWith(holding(2, tolerance, "c1"))}}, false},
		"another tenant":                        {glance{gpus: []evidence.GPU{gpuWith(holding(9, modelSize, "c2"))}}, false},
		"a process that nobody can place":       {glance{gpus: []evidence.GPU{gpuWith(holding(9, modelSize, ""))}}, false},
		"a list that is not quite new":          {glance{gpus: []evidence.GPU{gpuWith(runner, orphan)}, loaded: one, age: listAge}, true},
		"another program in the container":      {glance{gpus: []evidence.GPU{gpuWith(runner, other)}, loaded: one}, false},
		"a list that is hidden":                 {glance{gpus: []evidence.GPU{dark}}, false},
		"an empty list":                         {glance{gpus: []evidence.GPU{gpuWith()}}, false},
		"numbers that are hidden":               {glance{gpus: []evidence.GPU{silent}}, false},
		"no view":                               {glance{gpus: []evidence.GPU{gpuWith(orphan)}, hidden: true}, false},
		"memory that outlives its process":      {glance{gpus: []evidence.GPU{coherent}}, false},
		"a GPU that is lost":                    {glance{gpus: []evidence.GPU{gone}}, false},
		"under load for some minutes":           {glance{gpus: []evidence.GPU{gpuWith(orphan)}, moving: true}, false},
		"beside a list of long ago":             {glance{gpus: []evidence.GPU{gpuWith(runner, orphan)}, loaded: one, age: listAge + time.Second}, false},
		"of a container that nobody knows":      {glance{gpus: []evidence.GPU{gpuWith(holding(1, modelSize, ""))}, owner: "none"}, false},
	} {
		switch c.owner {
		case "":
			c.owner = "c1"
		case "none":
			c.owner = ""
		}
		l, at := follow(Leak{}, now, 9*time.Minute, c.glance)
		if l.Lasts(at) != c.want || c.want && !l.Since().Equal(now) {
			t.Errorf("%s: lasts %v since %s, %d MiB; want %v", name, l.Lasts(at), l.Since(), l.Bytes()/mib, c.want)
		}
	}
}

func TestALeakHasToLast(t *testing.T) {
	leaking := glance{gpus: []evidence.GPU{gpuWith(holding(2, 9000*mib, "c1"))}, owner: "c1"}
	clean := glance{gpus: []evidence.GPU{gpuWith()}, owner: "c1"}
	moving, hidden, listed := leaking, leaking, leaking
	moving.moving, hidden.hidden = true, true
	listed.loaded = []evidence.LoadedModel{{Name: target, SizeVRAM: modelSize}}
	for name, c := range map[string]struct {
		between glance
		lasts   time.Duration
		want    bool
	}{
		"the same all the while":          {leaking, 10 * time.Second, true},
		"a probe at work":                 {moving, leakMoves - 5*time.Second, true},
		"work for longer":                 {moving, leakMoves + 2*time.Second, false},
		"memory that came back":           {clean, 0, false},
		"a moment without a view":         {hidden, 0, false},
		"a model whose memory it may be":  {listed, 0, false},
		"a gap in which nobody looked at": {glance{}, leakMoves + 2*time.Second, false},
	} {
		l, at := follow(Leak{}, now, 40*time.Second, leaking)
		if at = at.Add(2 * time.Second); c.between.owner == "" {
			at = at.Add(c.lasts)
		} else {
			l, at = follow(l, at, c.lasts, c.between)
		}
		if l.Lasts(at) {
			t.Errorf("%s: lasts after %s", name, at.Sub(now))
		}
		if l, at = follow(l, at.Add(2*time.Second), 30*time.Second, leaking); l.Lasts(at) != c.want {
			t.Errorf("%s: lasts %v, want %v", name, !c.want, c.want)
		}
	}
}

func TestALeakUnderLoadHasToLastLonger(t *testing.T) {
	load := glance{gpus: []evidence.GPU{gpuWith(holding(1, modelSize, "c1"), holding(2, 9000*mib, "c1"))}, owner: "c1", moving: true}
	load.loaded = []evidence.LoadedModel{{Name: target, SizeVRAM: modelSize}}
	other, stale, clean := load, load, load
	other.loaded = []evidence.LoadedModel{{Name: "other:latest", SizeVRAM: mib}}
	stale.age = time.Hour
	clean.gpus = []evidence.GPU{gpuWith(holding(1, modelSize, "c1"))}
	for name, c := range map[string]struct {
		between glance
		lasts   time.Duration
		want    bool
	}{
		"the same all the while":        {load, 4 * time.Minute, true},
		"another model in its place":    {other, 4 * time.Minute, true},
		"a list of before for a moment": {stale, leakUnseen - 4*time.Second, true},
		"a list of before for long":     {stale, leakUnseen + 2*time.Second, false},
		"memory that came back":         {clean, 0, false},
	} {
		l, at := follow(Leak{}, now, 5*time.Minute, load)
		l, at = follow(l, at.Add(2*time.Second), c.lasts, c.between)
		if l, at = follow(l, at.Add(2*time.Second), leakLastsBusy-5*time.Minute, load); l.Lasts(at) != c.want {
			t.Errorf("%s: lasts %v, want %v", name, !c.want, c.want)
		}
	}
}

func TestTrafficDoesNotGiveBackWhatHasLasted(t *testing.T) {
	leaking := glance{gpus: []evidence.GPU{gpuWith(holding(2, 9000*mib, "c1"))}, owner: "c1"}
	clean := glance{gpus: []evidence.GPU{gpuWith()}, owner: "c1"}
	underLoad := clean
	underLoad.moving = true
	l, at := follow(Leak{}, now, LeakLasts, leaking)
	if l, at = follow(l, at.Add(2*time.Second), time.Minute, underLoad); !l.Lasts(at) {
		t.Error("it is forgotten under load")
	}
	if l, at = follow(l, at.Add(2*time.Second), 0, clean); l.Lasts(at) {
		t.Error("it came back at rest, and is held against the container")
	}
}
