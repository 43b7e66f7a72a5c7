// Package verdict says what the evidence about an Ollama server means.
//
// Judge is a pure function: the same picture always gives the same judgement,
// and no clock is read. It takes no action and remembers nothing but the
// judgement before, which it keeps while the evidence decides nothing new.
//
// Silence alone is no finding. A server that works is never called wedged:
// silence counts only together with stillness, seen by a second view (the
// container's own use of CPU and disk). A model is called healthy only for a token
// that it produced. What is wrong with a model that answers (a GPU that it does not
// use, memory that is not given back) is concluded from two views that agree and
// none that speaks against them, and waits for a quiet moment. A view that cannot
// be had says nothing.
//
// The package says, too, whether a remedy is due and what forbids one; it does
// not choose the remedy. Each rule stands in the file of its name, their order in
// Judge, and in words in Table.
package verdict

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Verdict is the name of a finding. The names are public: they are metric
// labels and appear in logs and in the status.
type Verdict string

const (
	// Unproven: nothing has been seen yet that would allow a finding.
	Unproven Verdict = "unproven"
	// Healthy: a first chunk came in time, to a probe or to a live request.
	Healthy Verdict = "healthy"
	// Busy: the probe waits, and the server works meanwhile.
	Busy Verdict = "busy"
	// Slow: first chunks come, later than they should.
	Slow Verdict = "slow"
	// Unloaded: the server is up and the model is not in memory.
	Unloaded Verdict = "unloaded"
	// Loading: the model is on its way into memory.
	Loading Verdict = "loading"
	// Wedged: silence and stillness; the process is there and does not answer.
	Wedged Verdict = "wedged"
	// Crashed: the model's runner died; the server is up.
	Crashed Verdict = "crashed"
	// Down: no server: its container ended by itself, or nothing listens.
	Down Verdict = "down"
	// Stopped: a person stopped, killed, paused or removed the container.
	Stopped Verdict = "stopped"
	// ModelMissing: Ollama does not have the model.
	ModelMissing Verdict = "model_missing"
	// EngineAway: the container engine does not answer, so nothing can be healed.
	EngineAway Verdict = "engine_away"
	// Overloaded: Ollama refuses requests, and works.
	Overloaded Verdict = "overloaded"
	// OutOfMemory: the model found no room on the GPU.
	OutOfMemory Verdict = "out_of_memory"
	// Garbage: answers come, and there is nothing in them.
	Garbage Verdict = "garbage"
	// GPULost: the container had a GPU, and what it loads now runs without.
	GPULost Verdict = "gpu_lost"
	// CPUFallback: the server has run without its GPU since it started.
	CPUFallback Verdict = "cpu_fallback"
	// VRAMLeak: the container holds GPU memory that no loaded model accounts for.
	VRAMLeak Verdict = "vram_leak"
	// Throttled: heat or power slows the GPU down.
	Throttled Verdict = "throttled"
	// HostAction: only a person can mend it, or a restart would make it worse.
	HostAction Verdict = "host_action"
)

// All lists every verdict, for metrics.
var All = []Verdict{
	Unproven, Healthy, Busy, Slow, Unloaded, Loading, Wedged, Crashed, Down, Stopped, ModelMissing, EngineAway,
	Overloaded, OutOfMemory, Garbage, GPULost, CPUFallback, VRAMLeak, Throttled, HostAction,
}

// Judgement is a verdict with what follows from it.
type Judgement struct {
	Verdict Verdict
	// Sentence says in plain words what was seen.
	Sentence string
	// Model is the model that the verdict is about, normalised; empty when it is
	// about the whole server.
	Model string
	// Answers says that the model proved itself in this run of the server and
	// that nothing speaks against it since.
	Answers bool
	// Need is what it calls for. A rule leaves it empty where that is what its verdict
	// usually needs.
	Need Need
	// Behind is what HostAction keeps a remedy from: the verdict without the
	// restraint. Empty where the host itself is what was judged.
	Behind Verdict
	// ServerGone says that the container does not run, so that it has to be
	// started instead of restarted.
	ServerGone bool
}

// Streak counts equal results in a row.
type Streak struct {
	Last      evidence.ProbeResult // the last one that was not Unknown
	Successes int
	Failures  int
	// FailingSince is when the first failure of the present row was seen.
	FailingSince time.Time
	// Doubt is why the newest attempt decided nothing; empty when it did.
	Doubt string
}

// Add counts one result and returns the new streak. Unknown moves no counter,
// but for a model that is seen to have left memory: what failed before speaks of
// a runner that is no more.
func (s Streak) Add(r evidence.ProbeResult) Streak {
	switch r.Outcome {
	case evidence.Success:
		return Streak{Last: r, Successes: s.Successes + 1}
	case evidence.Failure:
		since := s.FailingSince
		if s.Failures == 0 {
			since = r.At
		}
		return Streak{Last: r, Failures: s.Failures + 1, FailingSince: since}
	default:
		s.Doubt = r.Reason
		if r.Unloaded {
			s.Failures, s.FailingSince = 0, time.Time{}
		}
		return s
	}
}

// Picture is all that is known at one moment. The supervisor fills it; Judge
// and the functions beside it only read it.
type Picture struct {
	Now   time.Time
	Limit Limits

	Container      evidence.Container
	ContainerKnown bool
	// EngineAwaySince is zero while the container engine answers.
	EngineAwaySince time.Time
	// EngineBackAt is when it answered again after it had been away; zero if it
	// was never away. The container's activity was not seen until then.
	EngineBackAt time.Time
	// OperatorAct says in a few words what a person did to the container ("was
	// stopped by hand"); empty when nobody did anything.
	OperatorAct string
	// Unfinished says that Clawgate itself stopped the container and has not
	// started it again.
	Unfinished bool
	// GoneSince is when the container was first seen not running; zero while it runs.
	GoneSince time.Time

	// Apart says in a sentence that the container is not the server that answers, and
	// how that shows; empty where it is, or may be. The container is not known then.
	Apart string

	TCP, API, Ready Streak
	// Reached says that a connection to the server was made at least once.
	Reached bool
	// Answered says that the API has answered in this run of the server.
	Answered bool
	// Target is the model that the readiness streak is about, and Main the one that
	// Clawgate is there for; normalised.
	Target, Main string

	Traffic evidence.Traffic
	Pulse   Pulse

	// GPUActiveAt is when a GPU of the container was last seen at work; zero if
	// never, or without a view of the GPUs. Waiting for a GPU may use next to no
	// CPU.
	GPUActiveAt time.Time

	// Loaded lists the models in memory as they were seen last; LoadedKnown says
	// that they were seen in this run of the server.
	Loaded      []evidence.LoadedModel
	LoadedKnown bool
	// LoadSince is when Clawgate's own load of Target began; zero without one.
	LoadSince time.Time
	// PullSince and PullStatus describe a running pull of the model.
	PullSince  time.Time
	PullStatus string

	// Crashes are the times at which the target's runner died, newest last,
	// within CrashWindow of one another.
	Crashes []time.Time
	// CrashUnresolved is set when the newest crash came after the newest success.
	CrashUnresolved bool
	CrashDetail     string

	Memory  MemoryTrouble
	Refused Refusals
	Hollow  HollowAnswers
	Card    Card
	Slowed  Slowed
	Taken   Taken
}

// Taken is what Clawgate has done about the present trouble so far.
type Taken struct {
	// Unloaded, MadeRoom and Restarted: the remedies taken since the model was last stable.
	Unloaded, MadeRoom, Restarted bool
	// AtIdle are the verdicts for which a quiet moment has been used already.
	AtIdle []Verdict
	// FailedStarts and FailedStops count the engine's failures in a row; the
	// words are its last.
	FailedStarts, FailedStops int
	LastError                 string
	// NoBudget says that no restart is left in the budget and the gate is shut
	// for it.
	NoBudget string
	// ClockJumpedAt is when the wall clock was seen to jump; zero if never.
	ClockJumpedAt time.Time
}

// Limits are the configured and the fixed bounds that verdicts depend on.
type Limits struct {
	FailureThreshold int
	SuccessThreshold int
	FirstChunk       time.Duration
	// LoadStall is how long a load may go without any activity.
	LoadStall time.Duration
}

const (
	// ServerStart is how long a started server may stay silent: it listens
	// before it has found its GPUs, which takes up to 60 s (faults.md F9b:
	// two passes of 30 s in Ollama's discovery).
	ServerStart = 120 * time.Second
	// PolicyWait is how long the engine's own restart policy gets to bring a
	// crashed container back. Its pause between attempts grows to one minute.
	PolicyWait = 75 * time.Second
	// NoPolicyWait is the same where the container has no restart policy.
	NoPolicyWait = 5 * time.Second
	// CrashWindow and CrashLimit: this many crashes of one runner within the
	// window are more than Ollama's own reload can mend.
	CrashWindow = 10 * time.Minute
	CrashLimit  = 3
)
