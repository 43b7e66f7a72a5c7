package sidecar_test

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
)

// happening is one event of a schedule. What it breaks may be broken already, so
// that errors of its acts are no matter.
type happening struct {
	name       string
	begin, end func()
}

// leftToPeople are the events after which Clawgate waits for a person who starts
// the container again.
var leftToPeople = []string{gpuLost, driverHolds, missesExits, "a person stops the container", "a person pauses the container"}

const (
	gpuLost     = "the GPU is lost"
	driverHolds = "the driver holds the runners"
	missesExits = "the engine misses exits"
)

func (c *schedule) breakRunners() []happening {
	thaw := func() { _, _ = c.ThawRunner(), c.ThawServer() }
	mend := func() { c.Mend(model); c.Mend(other) }
	return []happening{
		{"the runners freeze", func() { _ = c.FreezeRunner() }, thaw},
		{"the runners freeze for good", func() { _ = c.FreezeRunner() }, nil},
		{"the runners spin", func() { _ = c.SpinRunner() }, nil},
		{"the server freezes", func() { _ = c.FreezeServer() }, thaw},
		{"the server freezes for good", func() { _ = c.FreezeServer() }, nil},
		{"the runners die", func() { _ = c.KillRunner() }, nil},
		{"the kernel kills the runners", func() { _ = c.KillRunnerForMemory() }, nil},
		{"the scheduler is deadlocked", func() { _ = c.DeadlockScheduler() }, nil},
		{"the models never finish stopping", func() { _ = c.StickRunner(); c.post("/api/generate", dropping(model)) }, nil},
		{"the model dies of every request", func() { c.Poison(model, true) }, mend},
		{"another model dies of every request", func() { c.Poison(other, true) }, mend},
		{"answers are empty until a reload", func() { c.Hollow(model, "", false) }, nil},
		{"answers are one symbol", func() { c.Hollow(model, "@", true) }, mend},
		{"Ollama refuses as busy", func() { c.Overload(true) }, func() { c.Overload(false) }},
		{"loads stand still", func() { c.StallLoads(true) }, func() { c.StallLoads(false) }},
		{"the model does not fit", func() { c.FailMemory(model, true); _ = c.KillRunner() }, mend},
	}
}

func (c *schedule) breakGPU() []happening {
	free := func() { c.Foreign(0) }
	return []happening{
		{"another program takes the GPU", func() { c.Foreign(20 << 30) }, free},
		{"another program takes a third of the GPU", func() { c.Foreign(8 << 30) }, free},
		{"the container loses its GPU", func() { c.LoseGPU(); _ = c.KillRunner() }, nil},
		{"the server leaks", func() { c.LeakVRAM(3 << 30) }, nil},
		{"the server forgets its runners", func() { _ = c.OrphanRunner() }, nil},
		{"heat", func() { c.Throttle(0x40, 2) }, func() { c.Throttle(0, 1) }},
		{"the driver hangs", func() { c.HangGPU(true) }, func() { c.HangGPU(false) }},
		{"the driver may not be asked", func() { c.HideGPU("no permission") }, func() { c.HideGPU("") }},
		{"an Xid of the application class", func() { c.RaiseXid(31) }, nil},
		c.cuts(gpuLost, func() { c.LoseDevice(); c.RaiseXid(79) }, func() { c.ResetGPU(); c.restartByHand() }),
		c.cuts("the driver was updated", func() { c.Mismatch(true) }, func() { c.Mismatch(false) }),
		{driverHolds, func() { c.StickDriver(true) }, func() { c.StickDriver(false) }},
	}
}

func (c *schedule) breakHost() []happening {
	return []happening{
		{"the server crashes", func() { _ = c.Crash() }, nil},
		{missesExits, func() { c.StickStop(true) }, func() { c.StickStop(false) }},
		{"two starts fail", func() { c.FailStarts(2, "port is already allocated"); _ = c.Crash() }, func() { c.FailStarts(0, "") }},
		{"events are lost", func() { c.LoseEvents(true) }, func() { c.LoseEvents(false) }},
		{"the engine is slow", func() { c.SlowEngine(4 * time.Second) }, func() { c.SlowEngine(0) }},
		{"the address moves", func() { c.MoveAddress(); _ = c.Crash() }, nil},
		{"starts are silent", func() { c.SilentStart(50 * time.Second) }, func() { c.SilentStart(0) }},
		{"the machine crawls", func() { c.Slow(crawling) }, func() { c.Slow(1) }},
		c.until("the engine is away", 15*time.Second, func() bool { c.EngineAway(true); return true }, func() { c.EngineAway(false) }),
		{"the clock jumps", func() { c.jump(time.Hour) }, func() { c.jump(-time.Hour) }},
	}
}

func (c *schedule) people() []happening {
	ctx := c.Context()
	events := []happening{
		c.until("a person stops the container", 15*time.Second, func() bool { return c.undisturbed() && c.OperatorStop(ctx) == nil }, func() { _ = c.OperatorStart(ctx) }),
		c.until("a person pauses the container", 15*time.Second, func() bool { return c.undisturbed() && c.OperatorPause(ctx) == nil }, func() { _ = c.OperatorUnpause(ctx) }),
		{"a person makes the container anew", func() { _ = c.OperatorRecreate(ctx) }, nil},
		c.until("Clawgate is paused", time.Second, func() bool { c.operate("pause"); return true }, func() { c.operate("resume") }),
		{"a stranger asks for a long answer", func() { go func() { _ = c.Bypass(ctx, model, 2000) }() }, nil},
	}
	if !c.observe {
		events = append(events, happening{"Clawgate is restarted", func() { c.stop(); c.start() }, nil})
	}
	return events
}

// undisturbed says that a person who acts now does not meet a remedy half way.
func (c *schedule) undisturbed() bool {
	container, err := c.World.Inspect(c.Context())
	return err == nil && container.Status == evidence.Running && c.log.state() != policy.Recovering
}

// cuts is an event for as long as which the container may not be stopped; a model
// may be unloaded, and what is down be started.
func (c *schedule) cuts(name string, begin, end func()) happening {
	var allow func()
	return happening{name, func() {
		begin()
		allow = c.forbid(name, 15*time.Second, policy.Restart)
	}, func() {
		allow()
		end()
	}}
}

// until is an event for as long as which no remedy may be begun, if it begins.
func (c *schedule) until(name string, grace time.Duration, begin func() bool, end func()) happening {
	allow := func() {}
	return happening{name, func() {
		if begin() {
			allow = c.forbid(name, grace)
		}
	}, func() {
		allow()
		end()
	}}
}

func (c *schedule) jump(by time.Duration) {
	c.JumpClock(by)
	allow := c.forbid("the clock has just jumped", time.Second)
	c.events.Go(func() {
		time.Sleep(time.Minute - 2*time.Second)
		allow()
	})
}

// restartByHand is what a person does when something was mended that Clawgate
// leaves to people.
func (c *schedule) restartByHand() {
	container, err := c.World.Inspect(c.Context())
	if err != nil {
		return
	}
	if container.Status == evidence.Paused {
		_ = c.OperatorUnpause(c.Context())
	}
	if container.Status == evidence.Running {
		_ = c.OperatorStop(c.Context())
	}
	_ = c.OperatorStart(c.Context())
}
