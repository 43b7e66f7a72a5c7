package main

import (
	"context"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

// demoFault is one thing that breaks on command, or is mended again.
type demoFault struct {
	name string
	act  func(context.Context, *simulation.World) error
}

// demoFaults are all of them, in the order in which they are shown. The model is
// the one that Clawgate watches over.
func demoFaults(model string) []demoFault {
	plain := func(name string, act func(*simulation.World) error) demoFault {
		return demoFault{name, func(_ context.Context, w *simulation.World) error { return act(w) }}
	}
	sure := func(name string, act func(*simulation.World)) demoFault {
		return demoFault{name, func(_ context.Context, w *simulation.World) error { act(w); return nil }}
	}
	return []demoFault{
		plain("freeze-runner", (*simulation.World).FreezeRunner),
		plain("freeze-server", (*simulation.World).FreezeServer),
		plain("crash", (*simulation.World).Crash),
		plain("kill-runner", (*simulation.World).KillRunner),
		plain("spin-runner", (*simulation.World).SpinRunner),
		plain("stick-runner", (*simulation.World).StickRunner),
		plain("deadlock", (*simulation.World).DeadlockScheduler),
		sure("poison", func(w *simulation.World) { w.Poison(model, true) }),
		sure("hollow", func(w *simulation.World) { w.Hollow(model, "", false) }),
		sure("overload", func(w *simulation.World) { w.Overload(true) }),
		sure("out-of-memory", func(w *simulation.World) { w.FailMemory(model, true) }),
		sure("lose-gpu", (*simulation.World).LoseGPU),
		sure("leak-vram", func(w *simulation.World) { w.LeakVRAM(4 << 30) }),
		sure("xid-79", func(w *simulation.World) { w.RaiseXid(79) }),
		sure("throttle", func(w *simulation.World) { w.Throttle(evidence.ClockHardwareThermal, 3) }),
		sure("driver-mismatch", func(w *simulation.World) { w.Mismatch(true) }),
		sure("stick-stop", func(w *simulation.World) { w.StickStop(true) }),
		{"operator-stop", func(ctx context.Context, w *simulation.World) error { return w.OperatorStop(ctx) }},
		{"operator-start", func(ctx context.Context, w *simulation.World) error { return w.OperatorStart(ctx) }},
		sure("engine-away", func(w *simulation.World) { w.EngineAway(true) }),
		sure("engine-back", func(w *simulation.World) { w.EngineAway(false) }),
		sure("mend", func(w *simulation.World) { mendAll(w, model) }),
	}
}

// mendAll ends every fault that does not end by itself or by a remedy.
func mendAll(w *simulation.World, model string) {
	w.Mend(model)
	w.Overload(false)
	w.Throttle(0, 1)
	w.Mismatch(false)
	w.StickStop(false)
	w.EngineAway(false)
	w.ResetGPU()
}
