package sidecar_test

import (
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

// gpuDecoys are what a healthy GPU, or its driver, may show.
func gpuDecoys() []decoy {
	return []decoy{
		{name: "the ordinary power cap", once: func(s *scenario) { s.Throttle(0x4, 1) }},
		{
			name: "clocks held down by heat", often: func(s *scenario) { s.Throttle(0x40, 3); time.Sleep(10 * time.Minute); s.Throttle(0, 1) },
		},
		{
			name:  "another program that takes a third of the GPU, now and then",
			often: func(s *scenario) { s.Foreign(8 << 30); time.Sleep(7 * time.Minute); s.Foreign(0) }, pause: 5 * time.Minute,
		},
		{name: "a driver that may not be asked", first: func(s *scenario) { s.HideGPU("no permission") }},
		{name: "a driver that shows no processes", first: func(s *scenario) { s.HideProcesses(true) }},
		{name: "a driver that stops showing processes", once: func(s *scenario) { s.HideProcesses(true) }},
		{name: "a driver that hangs", once: func(s *scenario) { s.HangGPU(true) }},
		{name: "no view of the GPU, now and then", often: func(s *scenario) { s.HideGPU("unknown"); time.Sleep(4 * time.Minute); s.HideGPU("") }},
		{name: "errors of the application class", often: func(s *scenario) {
			for _, code := range []uint64{13, 31, 43, 45, 94} {
				s.RaiseXid(code)
				time.Sleep(time.Minute)
			}
		}},
	}
}

// hostDecoys are what people, the engine and the host do.
func hostDecoys() []decoy {
	return []decoy{
		{
			name: "a start that is silent for a minute", first: func(s *scenario) { s.SilentStart(time.Minute) },
			often: func(s *scenario) { s.operatorRestarts() }, pause: 15 * time.Minute,
		},
		{name: "a person stops the container for 20 minutes", often: (*scenario).operatorRests, pause: 10 * time.Minute},
		{
			name: "a person stops the container for 20 minutes, and the engine's events are lost", once: func(s *scenario) { s.LoseEvents(true) },
			often: (*scenario).operatorRests, pause: 10 * time.Minute,
		},
		{name: "a person makes the container anew", often: func(s *scenario) { s.must(s.OperatorRecreate(s.Context())) }, pause: 15 * time.Minute},
		{name: "an engine that is away for three minutes", often: func(s *scenario) { s.EngineAway(true); time.Sleep(3 * time.Minute); s.EngineAway(false) }, pause: 7 * time.Minute},
		{name: "events that get lost", once: func(s *scenario) { s.LoseEvents(true) }},
		{name: "an engine that takes four seconds for each call", once: func(s *scenario) { s.SlowEngine(4 * time.Second) }},
		{name: "a clock that jumps forward and back", often: func(s *scenario) {
			s.JumpClock(time.Hour)
			time.Sleep(8 * time.Minute)
			s.JumpClock(-time.Hour)
			time.Sleep(8 * time.Minute)
			s.JumpClock(-time.Hour)
			time.Sleep(8 * time.Minute)
			s.JumpClock(time.Hour)
		}},
		{name: "a runner that was killed for memory an hour ago", once: func(s *scenario) { s.must(s.KillRunnerForMemory()) }},
		{name: "a full disk beside models that are there", once: func(s *scenario) { s.FillDisk(true) }},
		{
			name: "runners that notice late that a client has left", once: func(s *scenario) { s.Linger(true) },
			often: (*scenario).deserters, pause: 6 * time.Minute, world: simulation.Config{Parallel: 1},
		},
	}
}

// operatorRests keeps the container down for 20 minutes.
func (s *scenario) operatorRests() {
	s.Helper()
	s.must(s.OperatorStop(s.Context()))
	time.Sleep(20 * time.Minute)
	s.must(s.OperatorStart(s.Context()))
}
