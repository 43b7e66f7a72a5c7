package verdict

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

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

	TCP, API, Ready watch.Streak
	// Reached says that a connection to the server was made at least once.
	Reached bool
	// Answered says that the API has answered in this run of the server.
	Answered bool
	// Target is the model that the readiness streak is about, and Main the one that
	// Clawgate is there for; normalised.
	Target, Main string

	Traffic evidence.Traffic
	Pulse   watch.Pulse

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
	// within watch.CrashWindow of one another.
	Crashes []time.Time
	// CrashUnresolved is set when the newest crash came after the newest success.
	CrashUnresolved bool
	CrashDetail     string

	Memory  watch.MemoryTrouble
	Refused watch.Refusals
	Hollow  watch.Hollow
	Card    Card
	Slowed  Slowed

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
	// before it has found its GPUs, which takes up to 60 s: two passes of 30 s
	// (GPUDevices in Ollama's discover/runner.go).
	ServerStart = 120 * time.Second
	// PolicyWait is how long the engine's own restart policy gets to bring a
	// crashed container back. Its pause between attempts grows to one minute.
	PolicyWait = 75 * time.Second
	// NoPolicyWait is the same where the container has no restart policy.
	NoPolicyWait = 5 * time.Second
	// CrashLimit: this many crashes of one runner within watch.CrashWindow are more than
	// Ollama's own reload can mend.
	CrashLimit = 3
)
