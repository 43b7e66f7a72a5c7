package verdict

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// noRoom is a number of loads that failed for want of memory, ten seconds apart.
func noRoom(loads int) func(*Picture) {
	return func(p *Picture) {
		for i := range loads {
			p.Model.FoundNoRoom(ago(time.Duration(loads-i)*10*time.Second), "cudaMalloc failed")
		}
	}
}

func loadedToo(models ...string) func(*Picture) {
	return func(p *Picture) {
		for _, m := range models {
			p.Server.Loaded = append(p.Server.Loaded, evidence.LoadedModel{Name: m})
		}
	}
}

func TestAModelWithoutRoom(t *testing.T) {
	other := loadedToo("other:latest")
	room := []Help{Room}
	atOnce := func(p *Picture) {
		p.Model.NoRoom = watch.Failures{}
		for _, at := range []time.Duration{3 * time.Second, 2 * time.Second, time.Second} {
			p.Model.FoundNoRoom(ago(at), "cudaMalloc failed")
		}
	}
	tenant := view(gpuWith(holding(1, modelSize, "c1"), holding(9, 4096*mib, "c2")))
	find(t, map[string]finding{
		"once is left to Ollama":                {picture: onCard(noRoom(1), other), want: OutOfMemory, model: target, words: "no room for the model: cudaMalloc failed"},
		"told by all who waited is once":        {picture: onCard(noRoom(1), atOnce, other), want: OutOfMemory, model: target},
		"twice has others make room":            {picture: onCard(noRoom(2), other), want: OutOfMemory, need: MakeRoom, model: target},
		"but none that is in use":               {picture: onCard(noRoom(2), other, request("other:latest", time.Minute, time.Second)), want: OutOfMemory, need: Person, model: target},
		"and room did not help":                 {picture: onCard(noRoom(3), other), after: room, want: OutOfMemory, need: Person, model: target, words: "choose a smaller model"},
		"beside another tenant":                 {picture: onCard(noRoom(2), tenant), want: OutOfMemory, need: Person, model: target, words: "other programs hold 4096 MiB"},
		"with an orphan in the container":       {picture: onCard(noRoom(2), leakFor(watch.LeakLasts)), want: OutOfMemory, need: Mend},
		"with an orphan, under load":            {picture: onCard(noRoom(2), orphan(watch.LeakLasts, true)), want: OutOfMemory, need: Mend},
		"with one that may yet go":              {picture: onCard(noRoom(2), leakFor(watch.LeakLasts-time.Second)), want: OutOfMemory, need: Person, model: target},
		"where nobody sees who holds it":        {picture: onCard(noRoom(2), noView), want: OutOfMemory, need: Mend},
		"of a model beside the main one":        {picture: onCard(noRoom(2), noView, func(p *Picture) { p.Main = "main:latest" }), want: OutOfMemory, need: Person, model: target},
		"where somebody may hold it":            {picture: onCard(noRoom(2), noView, request("other:latest", time.Minute, time.Second)), want: OutOfMemory, need: Person, model: target},
		"where somebody may, past the relay":    {picture: onCard(noRoom(2), noView, pulse(working())), want: OutOfMemory, need: Person, model: target},
		"and the restart did not help":          {picture: onCard(noRoom(2), noView), after: []Help{Restart}, want: OutOfMemory, need: Person, model: target},
		"while it is being loaded":              {picture: onCard(noRoom(2), ourLoadFor(time.Second)), want: Loading, model: target},
		"before the newest success":             {picture: onCard(noRoom(9), answered), want: Healthy},
		"while the engine is away":              {picture: onCard(noRoom(2), other, engineAway), want: EngineAway, model: target, words: "nothing can be healed"},
		"on a GPU that the driver has given up": {picture: onCard(noRoom(2), noView, xid(79, ""), other), after: room, want: OutOfMemory, need: Person, model: target},
	})
	if got := Judge(onCard(noRoom(1)), Judgement{}); got.Answers {
		t.Error("a model that finds no room does not answer")
	}
}

func TestOnlyModelsAtRestMakeRoom(t *testing.T) {
	p := picture(loadedToo("rests:latest", "works:latest"), request("works:latest", time.Second, 0))
	if got := OthersAtRest(p, target); !slices.Equal(got, []string{"rests:latest"}) {
		t.Errorf("%q", got)
	}
}

func TestForeignMemoryIsToldOnlyWhereItIsSeen(t *testing.T) {
	tenant := gpuWith(holding(1, modelSize, "c1"), holding(9, 1024*mib, "c2"))
	hidden := tenant
	hidden.ProcessesKnown = false
	unified := tenant
	unified.MemoryKnown = false
	for name, c := range map[string]struct {
		picture Picture
		bytes   uint64
		known   bool
	}{
		"one tenant beside ours":     {onCard(view(tenant)), 1024 * mib, true},
		"ours alone":                 {onCard(), 0, true},
		"a list that is hidden":      {onCard(view(hidden)), 0, false},
		"a memory that is not told":  {onCard(view(unified)), 0, false},
		"ours were never in a list":  {onCard(view(tenant), func(p *Picture) { p.Devices.OwnSeen = false }), 0, false},
		"no view":                    {onCard(noView), 0, false},
		"an estimate above the used": {onCard(view(evidence.GPU{MemoryKnown: true, ProcessesKnown: true, UsedBytes: mib, Processes: tenant.Processes})), 0, true},
	} {
		if bytes, known := foreignBytes(c.picture); bytes != c.bytes || known != c.known {
			t.Errorf("%s: %d MiB %v, want %d MiB %v", name, bytes/mib, known, c.bytes/mib, c.known)
		}
	}
}
