package simulation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

// switches is everything that breaks, each with what ends it, where something
// does other than a new container.
var switches = []struct {
	name string
	on   func(v *visit)
	off  func(v *visit)
}{
	{"freeze", func(v *visit) { _ = v.FreezeRunner() }, func(v *visit) { _ = v.ThawRunner() }},
	{"spin", func(v *visit) { _ = v.SpinRunner() }, func(v *visit) { _ = v.ThawRunner() }},
	{"freeze the server", func(v *visit) { _ = v.FreezeServer() }, func(v *visit) { _ = v.ThawServer() }},
	{"deadlock", func(v *visit) { _ = v.DeadlockScheduler() }, nil},
	{"stick", func(v *visit) { _ = v.StickRunner() }, nil},
	{"kill", func(v *visit) { _ = v.KillRunner() }, nil},
	{"kill for memory", func(v *visit) { _ = v.KillRunnerForMemory() }, nil},
	{"orphan", func(v *visit) { _ = v.OrphanRunner() }, nil},
	{"crash", func(v *visit) { _ = v.Crash() }, nil},
	{"driver", func(v *visit) { v.StickDriver(true) }, func(v *visit) { v.StickDriver(false) }},
	{"flaws", func(v *visit) {
		v.Poison(llama, true)
		v.Runaway(qwen, true)
		v.Hollow(qwen, "@", true)
		v.FailMemory(llama, true)
	}, func(v *visit) { v.Mend(llama); v.Mend(qwen) }},
	{"linger", func(v *visit) { v.Linger(true) }, func(v *visit) { v.Linger(false) }},
	{"overload", func(v *visit) { v.Overload(true) }, func(v *visit) { v.Overload(false) }},
	{"stall", func(v *visit) { v.StallLoads(true) }, func(v *visit) { v.StallLoads(false) }},
	{"foreign", func(v *visit) { v.Foreign(25 * gib) }, func(v *visit) { v.Foreign(0) }},
	{"nodes", func(v *visit) { v.LoseGPU() }, nil},
	{"no GPU", func(v *visit) { v.BreakGPU(true) }, func(v *visit) { v.BreakGPU(false) }},
	{"device", func(v *visit) { v.LoseDevice(); v.Advise(evidence.AdviceReset); v.RaiseXid(79) }, func(v *visit) { v.ResetGPU() }},
	{"leak", func(v *visit) { v.LeakVRAM(gib) }, nil},
	{"ghost", func(v *visit) { v.GhostVRAM(gib) }, func(v *visit) { v.ResetGPU() }},
	{"heat", func(v *visit) { v.Throttle(evidence.ClockHardwareThermal, 2) }, func(v *visit) { v.Throttle(0, 1) }},
	{"mismatch", func(v *visit) { v.Mismatch(true) }, func(v *visit) { v.Mismatch(false) }},
	{"no view", func(v *visit) { v.HideProcesses(true); v.HangGPU(true) }, func(v *visit) { v.HideProcesses(false); v.HangGPU(false) }},
	{"starts fail", func(v *visit) { v.FailStarts(1, "no") }, func(v *visit) { v.FailStarts(0, "") }},
	{"stops stick", func(v *visit) { v.StickStop(true) }, func(v *visit) { v.StickStop(false) }},
	{"no events", func(v *visit) { v.LoseEvents(true) }, func(v *visit) { v.LoseEvents(false) }},
	{"engine away", func(v *visit) { v.EngineAway(true) }, func(v *visit) { v.EngineAway(false) }},
	{"slow engine", func(v *visit) { v.SlowEngine(time.Second) }, func(v *visit) { v.SlowEngine(0) }},
	{"address", func(v *visit) { v.MoveAddress() }, nil},
	{"silent starts", func(v *visit) { v.SilentStart(time.Minute) }, func(v *visit) { v.SilentStart(0) }},
	{"full disk", func(v *visit) { v.FillDisk(true) }, func(v *visit) { v.FillDisk(false) }},
	{"clock", func(v *visit) { v.JumpClock(-time.Hour) }, func(v *visit) { v.JumpClock(time.Hour) }},
	{"restart", func(v *visit) {
		if c, err := v.Inspect(v.Context()); err == nil {
			_ = v.Restart(v.Context(), c.Identity, 5*time.Second)
		}
	}, nil},
	{"pause", func(v *visit) { _ = v.OperatorPause(v.Context()) }, func(v *visit) { _ = v.OperatorUnpause(v.Context()) }},
}

// agrees checks that what can be seen of the world does not contradict itself.
func (v *visit) agrees(after string) {
	v.Helper()
	processes, err := v.Processes(v.Context())
	view := v.View(v.Context())
	if err != nil || !view.Known || !view.GPUs[0].ProcessesKnown {
		return // there is nothing to compare
	}
	gpu, running, held := view.GPUs[0], map[int]bool{}, uint64(0)
	for _, process := range processes {
		running[process.PID] = true
	}
	for _, process := range gpu.Processes {
		held += process.Bytes
		if ours := process.ContainerID == v.inspect().ID; ours != running[process.PID] {
			v.Errorf("after %s: %+v is on the GPU, and the processes are %+v", after, process, processes)
		}
	}
	if held > gpu.UsedBytes || gpu.UsedBytes+gpu.FreeBytes+gpu.ReservedBytes != gpu.TotalBytes {
		v.Errorf("after %s: the GPU is %+v", after, gpu)
	}
}

// Any mix of faults leaves a world that does not contradict itself, ends when it
// is told to, and is as good as new once all of it was mended.
func TestFaultsMixAndEnd(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			config := usual()
			config.Seed, config.Version = seed, []string{"0.9.6", "0.33.0"}[seed%2]
			inWorld(t, config, func(v *visit) { v.stumble(rand.New(rand.NewPCG(seed, 3))) })
		})
	}
}

func (v *visit) stumble(random *rand.Rand) {
	ctx, leave := context.WithCancel(v.Context())
	var others sync.WaitGroup
	others.Go(func() { _ = v.Events(ctx, func(evidence.ContainerEvent) {}) })
	others.Go(func() { v.Xids(ctx, func(evidence.Xid) {}) })
	var answers []<-chan []string
	for range 40 {
		body := []string{chat(tokens100), askLlama, unload, chat(`,"options":{"num_ctx":8192}`)}[random.IntN(4)]
		answers = append(answers, v.background(ctx, "/api/chat", body))
		others.Go(func() { _, _ = v.list(ctx) })
		one := switches[random.IntN(len(switches))]
		if random.IntN(2) == 0 || one.off == nil {
			one.on(v)
		} else {
			one.off(v)
		}
		time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
		v.agrees(one.name)
	}
	leave()
	for _, answer := range answers {
		<-answer
	}
	others.Wait()
	for _, one := range switches {
		if one.off != nil {
			one.off(v)
		}
	}
	time.Sleep(time.Minute)
	v.must(v.OperatorRecreate(v.Context()))
	time.Sleep(time.Second)
	v.answers(chat(shortReply))
	v.answers(askLlama)
	if g := v.gpu(); g.UsedBytes != 25*gib || len(g.Processes) != 2 || v.hint() != evidence.GPUFound {
		v.Errorf("all was mended, and the GPU is %+v", g)
	}
}

var _ interface {
	GPUHint(context.Context) (evidence.GPUHint, error)
	Xids(context.Context, func(evidence.Xid))
} = (*simulation.World)(nil)
