package sidecar_test

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// gpuFaults are of the GPU and its driver.
func gpuFaults() []fault {
	return []fault{
		{
			id: "F12", name: "the server starts without its GPU, and so does the next", lasts: 45 * time.Minute, shows: onCPU, bound: time.Minute,
			strike:  func(s *scenario) { s.BreakGPU(true); s.must(s.Crash()) },
			mend:    func(s *scenario) { s.BreakGPU(false); s.operatorRestarts() },
			idle:    finds(2*time.Minute, restart, verdict.CPUFallback).standing(policy.Ready),
			busy:    finds(2*time.Minute, restart, verdict.CPUFallback).standing(policy.Ready),
			loading: finds(2*time.Minute, restart, verdict.CPUFallback).standing(policy.Ready),
		},
		{
			id: "F13", name: "the container loses the GPU, and the runner dies", lasts: 45 * time.Minute, shows: onCPU, bound: time.Minute,
			strike:  func(s *scenario) { s.LoseGPU(); s.must(s.KillRunner()) },
			idle:    finds(2*time.Minute, restart, verdict.GPULost),
			busy:    finds(2*time.Minute, restart, verdict.GPULost),
			loading: finds(2*time.Minute, restart, verdict.CPUFallback),
		},
		{
			id: "F15", name: "the server leaks 4 GiB of GPU memory", lasts: 45 * time.Minute,
			strike: func(s *scenario) { s.LeakVRAM(4 << 30) },
			idle:   finds(2*time.Minute, restart, verdict.VRAMLeak), busy: hidden(), loading: hidden(),
		},
		{
			id: "F15", name: "the server forgets its runners", lasts: 45 * time.Minute,
			strike: func(s *scenario) { s.must(s.OrphanRunner()) },
			idle:   finds(150*time.Second, restart, verdict.VRAMLeak), busy: finds(time.Minute, []string{"make_room", "restart"}, verdict.OutOfMemory),
			loading: omit("a runner that loads is in the list"),
		},
		{
			id: "F15", name: "nobody's memory fills the GPU, and the runner dies", lasts: 15 * time.Minute,
			strike: func(s *scenario) { s.GhostVRAM(20 << 30); _ = s.KillRunner() }, mend: func(s *scenario) { s.ResetGPU() },
			idle:    finds(time.Minute, none, verdict.OutOfMemory).standing(policy.Exhausted),
			busy:    finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
			loading: finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
		},
		{
			id: "F16", name: "Xid 31, and the runner dies of it",
			strike: func(s *scenario) { s.RaiseXid(31); s.must(s.KillRunner()) },
			idle:   hidden(), busy: finds(time.Second, none, verdict.Crashed), loading: finds(time.Second, none, verdict.Crashed),
		},
		{
			id: "F17", name: "Xid 79, the GPU is off the bus", lasts: 10 * time.Minute,
			strike:  func(s *scenario) { s.LoseDevice(); s.RaiseXid(79) },
			mend:    func(s *scenario) { s.ResetGPU(); s.operatorRestarts() },
			idle:    finds(2*time.Second, none, verdict.HostAction).standing(policy.Exhausted),
			busy:    finds(2*time.Second, none, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(2*time.Second, unload, verdict.HostAction).standing(policy.Exhausted),
		},
		{
			id: "F17", name: "Xid 119, and the driver advises a reboot; the model answers", lasts: 10 * time.Minute,
			strike: func(s *scenario) { s.Advise(evidence.AdviceReboot); s.RaiseXid(119) },
			mend:   func(s *scenario) { s.ResetGPU(); s.operatorRestarts() },
			idle:   finds(2*time.Second, none, verdict.HostAction).standing(policy.Ready),
			busy:   finds(2*time.Second, none, verdict.HostAction).standing(policy.Ready), loading: finds(2*time.Second, none, verdict.HostAction).standing(policy.Ready),
		},
		{
			id: "F17", name: "Xid 48, the driver advises nothing, and the server is frozen", lasts: 10 * time.Minute,
			strike: func(s *scenario) { s.Advise(evidence.AdviceNone); s.RaiseXid(48); s.must(s.FreezeServer()) },
			mend:   func(s *scenario) { s.ResetGPU(); s.operatorRestarts() },
			idle:   finds(2*time.Second, restart, verdict.HostAction), busy: finds(2*time.Second, restart, verdict.HostAction),
			loading: finds(2*time.Second, restart, verdict.HostAction),
		},
		{
			id: "F19", name: "heat holds the clocks down", strike: func(s *scenario) { s.Throttle(0x40, 2.5) }, mend: func(s *scenario) { s.Throttle(0, 1) },
			idle: finds(40*time.Second, none, verdict.Throttled).standing(policy.Ready), busy: finds(40*time.Second, none, verdict.Throttled).standing(policy.Ready),
			loading: finds(2*time.Minute, none, verdict.Throttled).standing(policy.Ready),
		},
		{
			id: "F20", name: "the driver was updated under the container, and the server is frozen",
			strike: func(s *scenario) { s.Mismatch(true); s.must(s.FreezeServer()) }, mend: func(s *scenario) { s.Mismatch(false) },
			idle:    finds(time.Minute, restart, verdict.HostAction).standing(policy.Exhausted),
			busy:    finds(time.Minute, restart, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(11*time.Minute, restart, verdict.HostAction).standing(policy.Exhausted),
		},
	}
}

// operatorRestarts is `docker restart`.
func (s *scenario) operatorRestarts() {
	s.Helper()
	s.must(s.OperatorStop(s.Context()))
	s.must(s.OperatorStart(s.Context()))
}

// hostFaults are of the container, its engine and the host.
func hostFaults() []fault {
	return []fault{
		{
			id: "F22", name: "the server is frozen, and the engine misses its exit", lasts: 15 * time.Minute,
			strike:  func(s *scenario) { s.StickStop(true); s.must(s.FreezeServer()) },
			mend:    func(s *scenario) { s.StickStop(false); s.must(s.OperatorRecreate(s.Context())) },
			idle:    finds(50*time.Second, []string{"restart", "restart"}, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
			busy:    finds(30*time.Second, []string{"restart", "restart"}, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(11*time.Minute, []string{"restart", "restart"}, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
		},
		{
			id: "F23", name: "the server is frozen, and two starts fail", lasts: 15 * time.Minute,
			strike:  func(s *scenario) { s.FailStarts(2, "port is already allocated"); s.must(s.FreezeServer()) },
			idle:    finds(50*time.Second, []string{"restart", "start", "start"}, verdict.Wedged),
			busy:    finds(30*time.Second, []string{"restart", "start", "start"}, verdict.Wedged),
			loading: finds(11*time.Minute, []string{"restart", "start", "start"}, verdict.Wedged),
		},
		{
			id: "F23", name: "the server crashes, and no start succeeds", lasts: 30 * time.Minute,
			strike:  func(s *scenario) { s.FailStarts(100, "port is already allocated"); s.must(s.Crash()) },
			mend:    func(s *scenario) { s.FailStarts(0, ""); s.must(s.OperatorStart(s.Context())) },
			idle:    finds(time.Second, []string{"start", "start", "start"}, verdict.Down, verdict.HostAction).standing(policy.Exhausted),
			busy:    finds(time.Second, []string{"start", "start", "start"}, verdict.Down, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(time.Second, []string{"start", "start", "start"}, verdict.Down, verdict.HostAction).standing(policy.Exhausted),
		},
		{
			id: "F24", name: "the kernel kills the runner for memory", strike: func(s *scenario) { s.must(s.KillRunnerForMemory()) },
			idle: hidden(), busy: finds(time.Second, none, verdict.Crashed), loading: finds(time.Second, none, verdict.Crashed),
		},
		{
			id: "F24", name: "the server crashes", strike: func(s *scenario) { s.must(s.Crash()) },
			idle: finds(time.Second, none, verdict.Down), busy: finds(time.Second, none, verdict.Down), loading: finds(time.Second, none, verdict.Down),
		},
		{
			id: "F26", name: "the engine is away, and the runner is frozen",
			strike: func(s *scenario) { s.EngineAway(true); s.must(s.FreezeRunner()) }, mend: func(s *scenario) { s.EngineAway(false) },
			idle: finds(11*time.Second, none, verdict.EngineAway), busy: finds(11*time.Second, unload, verdict.EngineAway),
			loading: finds(25*time.Minute, unload, verdict.Wedged),
		},
		{
			id: "F27", name: "the server crashes, and the engine's events are lost",
			strike: func(s *scenario) { s.LoseEvents(true); s.must(s.Crash()) }, mend: func(s *scenario) { s.LoseEvents(false) },
			idle: hidden(), busy: hidden(), loading: hidden(),
		},
		{
			id: "F28", name: "the server crashes and comes back with another address",
			strike: func(s *scenario) { s.MoveAddress(); s.must(s.Crash()) },
			idle:   finds(time.Second, none, verdict.Down), busy: finds(time.Second, none, verdict.Down), loading: finds(time.Second, none, verdict.Down),
		},
		{
			id: "F29", name: "the clock jumps an hour, and the server is frozen",
			strike: func(s *scenario) { s.JumpClock(time.Hour); s.must(s.FreezeServer()) },
			idle:   finds(50*time.Second, restart, verdict.Wedged), busy: finds(30*time.Second, restart, verdict.Wedged), loading: finds(11*time.Minute, restart, verdict.Wedged),
		},
		{
			id: "F30", name: "every runner freezes again and again", lasts: 65 * time.Minute,
			strike: func(s *scenario) { s.closers = append(s.closers, s.refreeze()) }, mend: func(s *scenario) { s.closers[len(s.closers)-1](); _ = s.ThawRunner() },
			idle:    omit("as under load, unless Ollama replaces the first one itself"),
			busy:    finds(30*time.Second, []string{"unload", "restart", "restart", "restart"}, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(11*time.Minute, []string{"unload", "restart", "restart", "restart"}, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
		},
	}
}
