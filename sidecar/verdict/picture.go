package verdict

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Picture is all that is known at one moment: what was seen until then, with the records
// as package watch keeps them, and the moment itself. Judge and the functions beside it
// only read it. It is for that moment alone: some of it is the memory's own.
type Picture struct {
	Moment

	// Container and the pulse in Server are of the container that is the server: nothing
	// is known of them where it is another one.
	Container watch.Container
	Server    watch.Server
	Devices   watch.Devices
	Refused   watch.Refusals
	// Model is what is known of Target, the model that the readiness probe looks at. Main
	// is the one that Clawgate is there for. Both are normalised.
	Model        watch.Model
	Target, Main string
	// ClockJumpedAt is when the wall clock was seen to jump; zero if never.
	ClockJumpedAt time.Time

	// OperatorAct says in a few words what a person did to the container ("was
	// stopped by hand"); empty when nobody did anything.
	OperatorAct string
	// Apart says in a sentence that the container is not the server that answers, and
	// how that shows; empty where it is, or may be. The container is not known then.
	Apart string
}

// Moment is what is to be known of a moment beside what was seen: the settings, and what
// is under way, of clients and of Clawgate itself.
type Moment struct {
	Now           time.Time
	Limit         Limits
	ContainerName string // as configured
	Traffic       evidence.Traffic
	// Unfinished says that Clawgate itself stopped the container and has not
	// started it again.
	Unfinished bool
	// LoadSince is when Clawgate's own load of the model that is looked at began; zero
	// without one.
	LoadSince time.Time
	// PullSince and PullStatus describe a running pull of the main model.
	PullSince  time.Time
	PullStatus string
	// OffGPU says that the model that is looked at was asked to stay off the GPU, by the
	// settings or by the request that its runner was started for (the option num_gpu).
	OffGPU bool
}

// Draw puts all that is known into one picture.
func Draw(seen *watch.State, of Moment) Picture {
	p := Picture{
		Moment: of, Container: seen.Container, Server: seen.Server, Devices: seen.Devices, Refused: seen.Refused,
		Model: *seen.Focused(), Target: seen.Focus, Main: seen.Main, ClockJumpedAt: seen.ClockJumpedAt,
		OperatorAct: operatorAct(&seen.Container, of),
	}
	if p.Apart = Apart(seen, of); p.Apart != "" {
		return p.withoutContainer()
	}
	return p
}

// withoutContainer is the same of a server that is another one.
func (p Picture) withoutContainer() Picture {
	p.OperatorAct, p.Unfinished = "", false
	p.Container.Seen, p.Container.Known, p.Container.GoneSince = evidence.Container{}, false, time.Time{}
	p.Server.Pulse, p.Devices.WorkedAt = watch.Pulse{}, time.Time{}
	return p
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
