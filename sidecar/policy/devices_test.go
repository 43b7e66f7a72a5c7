package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func withGPU(k *Keeper) { k.seen.Container.Seen.GPURequested = true }

// gpuHeld is a GPU on which the container holds memory, or another one.
func gpuHeld(uuid, by string, changes ...func(*evidence.GPU)) evidence.GPU {
	g := gpuWith(evidence.GPUProcess{PID: 7, Bytes: 900 * mib, BytesKnown: true, ContainerID: by, Command: "/usr/bin/ollama runner"})
	g.UUID = uuid
	for _, change := range changes {
		change(&g)
	}
	return g
}

func isLost(g *evidence.GPU) { g.Lost = true }

// doubts says whether what the models proved is taken back for their GPU.
func doubts(t *testing.T, decision given) func(*Keeper) bool {
	return func(k *Keeper) bool {
		decision(k)
		of := k.seen.Focused()
		if doubted := of.Doubted; doubted != (of.Streak.Successes == 0) || doubted != k.seen.Devices.DoubtedAt.Equal(now) || doubted != k.probes.next.Equal(now) {
			t.Errorf("doubted: %v, %+v, since %s", doubted, of.Streak, k.seen.Devices.DoubtedAt)
		}
		return of.Doubted
	}
}

func TestAGPUThatFailsPutsItsModelInQuestion(t *testing.T) {
	seen := func(gpus ...evidence.GPU) given { return func(k *Keeper) { k.gpusSeen(viewOf(gpus...)) } }
	mine, others := gpuHeld("GPU-1", "c1", isLost), gpuHeld("GPU-2", "c2", isLost)
	check(t, doubts(t, seen(mine)), map[string]decided[bool]{
		"when it is lost":                  when(true, withGPU),
		"not twice":                        when(false, withGPU, func(k *Keeper) { k.seen.Devices.Failed(viewOf(mine)) }),
		"not of a container without a GPU": when(false),
	})
	check(t, doubts(t, seen(gpuHeld("GPU-1", "c1"), others)), map[string]decided[bool]{"not another's": when(false, withGPU)})
	check(t, doubts(t, seen(gpuHeld("GPU-1", "c1"))), map[string]decided[bool]{"not while it is well": when(false, withGPU)})
	blind := func(k *Keeper) { k.gpusSeen(evidence.GPUView{SeenAt: now, GPUs: []evidence.GPU{mine}}) }
	check(t, doubts(t, blind), map[string]decided[bool]{"not where nobody sees it": when(false, withGPU)})
}

func TestAnErrorOfTheDriversPutsTheModelInQuestion(t *testing.T) {
	xid := func(gpu string) given {
		return func(k *Keeper) { k.turn.Xids = []evidence.Xid{{At: ago(time.Second), GPU: gpu, Code: 79}} }
	}
	two := func(k *Keeper) { k.seen.Devices.View = viewOf(gpuHeld("GPU-1", "c1"), gpuHeld("GPU-2", "c2")) }
	check(t, doubts(t, (*Keeper).sawXids), map[string]decided[bool]{
		"of its GPU":          when(true, two, xid("GPU-1")),
		"not of another's":    when(false, two, xid("GPU-2")),
		"not again and again": when(false, two, xid("GPU-1"), func(k *Keeper) { k.seen.Devices.SawXid(k.turn.Xids[0]) }),
		"not without one":     when(false, two),
	})
}

func TestADoubtOfTheGPUEndsALookAside(t *testing.T) {
	for state, want := range map[State]string{Ready: mainOne, Recovering: otherOne} {
		k := serving(stands(state), aside, open(undecided))
		if k.doubtDevice(now); k.Focus() != want || !k.probes.open[0].superseded {
			t.Errorf("in %s it looks at %s", state, k.Focus())
		}
	}
	k := serving(func(k *Keeper) { k.probes.turnedAt = time.Time{} })
	if k.doubtDevice(now); !k.probes.turnedAt.IsZero() {
		t.Error("the probe turns to the model that it looks at")
	}
}

func TestAStreamProvesItsGPU(t *testing.T) {
	doubted := func(k *Keeper) {
		k.seen.Models.Each((*watch.Model).Unprove)
		k.seen.Focused().Doubted, k.seen.Devices.DoubtedAt = true, ago(time.Minute)
		k.seen.Calibrated = ago(hour)
	}
	at := func(change func(*evidence.Request)) given {
		r := evidence.Request{Model: mainOne, SentAt: ago(2 * time.Minute), LastChunkAt: now}
		if change != nil {
			change(&r)
		}
		return inFlight(r)
	}
	proves := func(k *Keeper) int {
		k.provenByStream()
		return k.seen.Focused().Streak.Successes
	}
	check(t, proves, map[string]decided[int]{
		"with a piece that came after the error": when(1, doubted, at(nil)),
		"not with one that was on its way":       when(0, doubted, func(k *Keeper) { k.seen.Devices.DoubtedAt = ago(afterDoubt - 1) }, at(nil)),
		"with the first that cannot be":          when(1, doubted, func(k *Keeper) { k.seen.Devices.DoubtedAt = ago(afterDoubt) }, at(nil)),
		"not with an old one":                    when(0, doubted, at(func(r *evidence.Request) { r.LastChunkAt = ago(3 * time.Second) })),
		"with one that is hardly old":            when(1, doubted, at(func(r *evidence.Request) { r.LastChunkAt = ago(3*time.Second - 1) })),
		"not of another model":                   when(0, doubted, at(func(r *evidence.Request) { r.Model = otherOne })),
		"not of the server's run before":         when(0, doubted, at(func(r *evidence.Request) { r.SentAt = ago(hour) })),
		"not with one that has counted":          when(0, doubted, at(nil), func(k *Keeper) { k.seen.Focused().Streak.Last.At = now }),
		"not after a failure":                    when(0, doubted, at(nil), unanswered),
		"not during a remedy":                    when(0, doubted, at(nil), stands(Recovering)),
		"not without a doubt":                    when(0, doubted, at(nil), func(k *Keeper) { k.seen.Focused().Doubted = false }),
		"not another model than the main":        when(0, aside, doubted, at(func(r *evidence.Request) { r.Model = otherOne })),
		"not once it has proved itself":          when(1, at(nil), func(k *Keeper) { k.seen.Focused().Doubted = true }),
		"as often as is wanted":                  when(2, at(nil), func(k *Keeper) { k.settings.SuccessThreshold, k.seen.Focused().Doubted = 2, true }),
	})
	k := serving(doubted, at(func(r *evidence.Request) { r.LastChunkAt = ago(time.Second) }))
	if k.provenByStream(); !k.seen.Focused().Doubted || !k.seen.Focused().Streak.Last.At.Equal(ago(time.Second)) {
		t.Errorf("%+v", k.seen.Focused().Streak)
	}
	if k.provenByStream(); k.seen.Focused().Doubted {
		t.Error("a model that has proved itself is in doubt")
	}
}

func TestWhoHoldsTheContainersMemory(t *testing.T) {
	check(t, (*Keeper).holder, map[string]decided[string]{
		"the only model":                       when(mainOne),
		"nobody knows":                         when("", func(k *Keeper) { k.seen.Server.LoadedKnown = false }),
		"one of two":                           when("", loaded(evidence.LoadedModel{Name: otherOne})),
		"the only one, or the next":            when("", beingLoaded(otherOne)),
		"the one that is being loaded":         when(mainOne, notLoaded, beingLoaded(mainOne)),
		"one that is loaded and not looked at": when("", notLoaded, beingLoaded(otherOne)),
		"none":                                 when("", notLoaded),
		"one of two, or the next":              when("", loaded(evidence.LoadedModel{Name: otherOne}), beingLoaded(mainOne)),
	})
}

func TestTheMostThatAModelWasSeenToHold(t *testing.T) {
	k := serving()
	k.seen.Focused().OwnPeak = 1000 * mib
	view := viewOf(gpuHeld("GPU-1", "c1"))
	if k.gpusSeen(view); k.seen.Focused().OwnPeak != 1000*mib || !k.seen.Devices.OwnSeen {
		t.Errorf("less than before: %d", k.seen.Focused().OwnPeak)
	}
	k.seen.Focused().OwnPeak = 0
	if k.gpusSeen(view); k.seen.Focused().OwnPeak != 900*mib {
		t.Errorf("more than before: %d", k.seen.Focused().OwnPeak)
	}
	k = serving()
	if k.gpusSeen(evidence.GPUView{SeenAt: now, GPUs: view.GPUs}); k.seen.Focused().OwnPeak > 0 {
		t.Errorf("what nobody could see: %d", k.seen.Focused().OwnPeak)
	}
	k = serving(notLoaded)
	if k.gpusSeen(view); k.seen.Models.Get("").OwnPeak > 0 {
		t.Error("nobody's is noted")
	}
	k = serving(another)
	if k.gpusSeen(view); k.seen.Devices.OwnSeen {
		t.Error("what the container holds counts for another server")
	}
}

// viewed has a GPU be looked at for some time, from and to from now.
func viewed(k *Keeper, from, to time.Duration, gpu evidence.GPU) {
	for at := from; at <= to; at += 10 * time.Second {
		view := viewOf(gpu)
		view.SeenAt = now.Add(at)
		k.gpusSeen(view)
	}
}

func TestALeakIsFollowed(t *testing.T) {
	leaks := func(k *Keeper) bool {
		viewed(k, -time.Minute, 0, gpuHeld("GPU-1", "c1"))
		return k.seen.Devices.Leak.Lasts(now)
	}
	gpu := func(at time.Time) given { return func(k *Keeper) { k.seen.Devices.WorkedAt = at } }
	check(t, leaks, map[string]decided[bool]{
		"at rest":                              when(true, notLoaded),
		"not what is tolerated":                when(false, notLoaded, func(k *Keeper) { k.settings.LeakTolerance = 900 * mib }),
		"not a model's":                        when(false),
		"not during a load":                    when(false, notLoaded, beingLoaded(otherOne)),
		"not while one is loaded again":        when(false, notLoaded, func(k *Keeper) { k.loads.restoring = true }),
		"not beside a client":                  when(false, notLoaded, inFlight(asking(mainOne, 0))),
		"not while nobody knows what is there": when(false, notLoaded, func(k *Keeper) { k.seen.Server.LoadedKnown = false }),
		"not during a remedy":                  when(false, notLoaded, stands(Recovering)),
		"not while the container works":        when(false, notLoaded, atWork),
		"not while its GPU does":               when(false, notLoaded, gpu(now.Add(hour))),
		"when its GPU has come to rest":        when(true, notLoaded, gpu(ago(time.Minute+GPUMoves))),
		"not before that":                      when(false, notLoaded, gpu(ago(time.Minute+GPUMoves-1))),
	})
}

func TestALeakLastsThroughTraffic(t *testing.T) {
	leaks := gpuHeld("GPU-1", "c1")
	k := serving(notLoaded)
	viewed(k, -time.Minute, 0, leaks)
	inFlight(asking(mainOne, 0))(k)
	if viewed(k, 0, 0, gpuWith()); !k.seen.Devices.Leak.Lasts(now) {
		t.Error("traffic gives leaked memory back")
	}
	k.turn.Traffic.InFlight = nil
	if viewed(k, 0, 0, gpuWith()); k.seen.Devices.Leak.Bytes() > 0 {
		t.Error("it is not given back")
	}
	k = serving(notLoaded, inFlight(asking(mainOne, 0)))
	if viewed(k, -10*time.Minute, 0, leaks); !k.seen.Devices.Leak.Lasts(now) {
		t.Error("what is held through long traffic is none")
	}
}
