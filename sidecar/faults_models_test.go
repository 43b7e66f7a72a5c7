package sidecar_test

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// faults are all that the simulation can break, in the order of their numbers.
func faults() []fault {
	return append(append(runnerFaults(), loadFaults()...), append(gpuFaults(), hostFaults()...)...)
}

// hidden is a finding that the main model's verdict does not show.
func hidden(rungs ...string) finding { return finding{rungs: rungs} }

func finds(within time.Duration, rungs []string, verdicts ...verdict.Verdict) finding {
	return finding{within: within, rungs: rungs, verdicts: verdicts}
}

func (f finding) standing(state policy.State) finding { f.stands = state; return f }

// without leaves its figures out of the table.
func (f finding) without(why string) finding {
	f.unwritten = why
	return f
}

func omit(why string) finding { return finding{omitted: why} }

var (
	none         = []string(nil)
	unload       = []string{"unload"}
	restart      = []string{"restart"}
	escalates    = []string{"unload", "restart"}
	unloadsTwice = []string{"unload", "unload"}
	gives        = []string{"make_room"}
	// undying is a container that has to be started after it ended at last.
	undying  = []string{"unload", "restart", "restart", "start"}
	unending = []string{"restart", "restart", "start"}
)

// lastSign is the last sign of life that clients got who wait.
func lastSign(s *scenario, when circumstance) time.Time {
	if when != busy {
		return time.Time{}
	}
	return time.Unix(0, s.heard.Load())
}

// onCPU is the first answer that a CPU began to give in place of a GPU.
func onCPU(s *scenario, _ circumstance) time.Time { return s.FirstOnCPU() }

// runnerFaults leave a server alive that makes no sense, or nothing at all.
func runnerFaults() []fault {
	return []fault{
		{
			id: "F1", name: "the runner is frozen", strike: func(s *scenario) { s.must(s.FreezeRunner()) }, shows: lastSign, bound: 30 * time.Second,
			idle: hidden(), busy: finds(32*time.Second, unload, verdict.Wedged), loading: finds(11*time.Minute, unload, verdict.Wedged),
		},
		{
			id: "F1", name: "the runner burns CPU and makes no token", strike: func(s *scenario) { s.must(s.SpinRunner()) }, lasts: 70 * time.Minute,
			idle: finds(62*time.Minute, unload, verdict.Wedged), busy: finds(12*time.Minute, unload, verdict.Wedged),
			loading: omit("a load is work"),
		},
		{
			id: "F1", name: "the server is frozen", strike: func(s *scenario) { s.must(s.FreezeServer()) }, shows: lastSign, bound: 30 * time.Second,
			idle: finds(50*time.Second, restart, verdict.Wedged), busy: finds(30*time.Second, restart, verdict.Wedged),
			loading: finds(11*time.Minute, restart, verdict.Wedged),
		},
		{
			id: "F2", name: "the scheduler is deadlocked, and a third model is asked for", lasts: 20 * time.Minute,
			strike:  func(s *scenario) { s.must(s.DeadlockScheduler()); s.post("/api/generate", generate(third, 3)) },
			idle:    finds(11*time.Minute, []string{"make_room"}, verdict.Wedged),
			busy:    hidden(),
			loading: hidden(),
		},
		{
			id: "F3", name: "the model never finishes stopping", lasts: 20 * time.Minute,
			strike: func(s *scenario) {
				s.must(s.StickRunner())
				s.post("/api/generate", `{"model":"`+model+`","keep_alive":"0s"}`)
			},
			idle: finds(2*time.Minute, escalates, verdict.Wedged), busy: finds(2*time.Minute, escalates, verdict.Wedged),
			loading: finds(2*time.Minute, escalates, verdict.Wedged),
		},
		{
			id: "F4", name: "the driver holds the runner (state D)", lasts: 15 * time.Minute,
			strike: func(s *scenario) { s.StickDriver(true) }, mend: func(s *scenario) { s.StickDriver(false) },
			idle:    omit("as under load; it is a matter of moments whether an unload is tried first"),
			busy:    finds(30*time.Second, unending, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
			loading: finds(11*time.Minute, undying, verdict.Wedged, verdict.HostAction).standing(policy.Exhausted),
		},
		{
			id: "F5", name: "the runner dies", strike: func(s *scenario) { s.must(s.KillRunner()) },
			idle: hidden(), busy: finds(time.Second, none, verdict.Crashed),
			loading: finds(time.Second, none, verdict.Crashed),
		},
		{
			id: "F5", name: "the model dies of every request", lasts: 20 * time.Minute,
			strike: func(s *scenario) { s.Poison(model, true) }, mend: func(s *scenario) { s.Mend(model) },
			idle: finds(31*time.Second, escalates, verdict.Crashed).standing(policy.Exhausted),
			// Others are served meanwhile: the restart waits for them, and this model is closed.
			busy:    finds(10*time.Second, unloadsTwice, verdict.Crashed).standing(policy.Isolated),
			loading: finds(31*time.Second, unloadsTwice, verdict.Crashed).standing(policy.Isolated),
		},
		{
			id: "F5", name: "another model dies of every request", lasts: 10 * time.Minute,
			strike: func(s *scenario) { s.Poison(other, true) }, mend: func(s *scenario) { s.Mend(other) },
			idle: omit("nobody asks it"), busy: hidden(), loading: hidden(),
		},
		{
			id: "F6", name: "an answer never ends", env: []string{"CLAWGATE_MAX_TOKENS=400"},
			strike: func(s *scenario) {
				s.Runaway(model, true)
				s.post("/api/generate", `{"model":"`+model+`","prompt":"hello"}`)
			},
			idle: hidden(), busy: hidden(), loading: hidden(),
		},
		{
			id: "F7", name: "clients leave, and the runner works on for them",
			strike: func(s *scenario) { s.Linger(true); s.deserters() }, mend: func(s *scenario) { s.Linger(false) },
			idle: hidden(), busy: hidden(), loading: hidden(),
		},
		{
			id: "F8", name: "Ollama refuses as busy", strike: func(s *scenario) { s.Overload(true) }, mend: func(s *scenario) { s.Overload(false) },
			idle: hidden(), busy: finds(10*time.Second, none, verdict.Overloaded), loading: hidden(),
		},
		{
			id: "F9", name: "answers are empty until the model is loaded again", strike: func(s *scenario) { s.Hollow(model, "", false) },
			idle: finds(time.Minute, unload, verdict.Wedged), busy: finds(time.Minute, unload, verdict.Garbage), loading: finds(time.Minute, unload, verdict.Wedged),
		},
		{
			id: "F9", name: "answers are one symbol, whatever is done", lasts: 20 * time.Minute,
			strike: func(s *scenario) { s.Hollow(model, "@", true) }, mend: func(s *scenario) { s.Mend(model) },
			idle:    omit("one symbol is an answer to a probe of one token"),
			busy:    finds(time.Minute, unload, verdict.Garbage).standing(policy.Exhausted),
			loading: finds(time.Minute, unload, verdict.Garbage).standing(policy.Exhausted).without("as under load; it is a matter of moments which of two looks finds it"),
		},
	}
}

// deserters are clients who leave after a second, for five minutes.
func (s *scenario) deserters() {
	end := s.every(7*time.Second, func() {
		c := s.chat(60)
		time.Sleep(time.Second)
		c.cancel()
		c.wait()
	})
	go func() {
		time.Sleep(5 * time.Minute)
		end()
	}()
}

// loadFaults are of models that come into memory, or do not.
func loadFaults() []fault {
	return []fault{
		{
			id: "F10", name: "loads stand still for 8 minutes", lasts: 8 * time.Minute,
			strike: func(s *scenario) { s.StallLoads(true); s.post("/api/generate", generate(third, 3)) }, mend: func(s *scenario) { s.StallLoads(false) },
			idle: hidden(), busy: hidden(), loading: hidden(),
		},
		{
			id: "F11", name: "another program takes the GPU's memory, and the runner dies", lasts: 15 * time.Minute,
			strike: func(s *scenario) { s.Foreign(20 << 30); _ = s.KillRunner() }, mend: func(s *scenario) { s.Foreign(0) },
			idle:    finds(time.Minute, none, verdict.OutOfMemory).standing(policy.Exhausted),
			busy:    finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
			loading: finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
		},
		{
			id: "F11", name: "the model does not fit any more, and the runner dies", lasts: 15 * time.Minute,
			strike: func(s *scenario) { s.FailMemory(model, true); _ = s.KillRunner() }, mend: func(s *scenario) { s.Mend(model) },
			idle:    finds(time.Minute, none, verdict.OutOfMemory).standing(policy.Exhausted),
			busy:    finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
			loading: finds(time.Minute, gives, verdict.OutOfMemory).standing(policy.Exhausted),
		},
		{
			id: "F14", name: "a client unloads the model", strike: func(s *scenario) {
				s.post("/api/generate", `{"model":"`+model+`","keep_alive":"0s"}`)
			},
			idle: finds(31*time.Second, none, verdict.Unloaded), busy: hidden(), loading: hidden(),
		},
		{
			id: "F25", name: "the disk is full while the model is pulled", lasts: 10 * time.Minute,
			models: []simulation.Model{{Name: model, Missing: true, PullTakes: time.Minute}, {Name: other}},
			strike: func(s *scenario) { s.FillDisk(true) }, mend: func(s *scenario) { s.FillDisk(false) },
			idle: omit("models on the disk answer"), busy: omit("models on the disk answer"),
			loading: finds(time.Minute, none, verdict.ModelMissing),
		},
	}
}
