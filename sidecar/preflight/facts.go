package preflight

import (
	"context"
	"net/netip"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/config"
)

// Facts are what was found. Judge reads nothing else.
type Facts struct {
	Config config.Config
	Engine engineFacts
	Server serverFacts
	GPU    evidence.GPUView
	// Helper is why the container that resets the GPU could not be run; nil when it
	// could, and when none is wanted.
	Helper error
	// StateDir and HealthLog are why nothing can be written there; nil when it
	// can, and when the setting is empty.
	StateDir, HealthLog error
}

// engineFacts are about the container engine, or the guard before it.
type engineFacts struct {
	// Err is why the container cannot be inspected; nothing else was asked then.
	Err       error
	Container evidence.Container
	// Calls are the other reads, in a fixed order. They are asked only of a
	// container that runs.
	Calls []engineCall
	// Neighbours are the engine's other containers: asked for only where there is none
	// of the name. Empty behind the guard, which does not tell.
	Neighbours []evidence.Container
}

// engineCall is one read of the engine, and its error.
type engineCall struct {
	Name callName
	Err  error
}

// callName names a read as the findings show it.
type callName string

const (
	callActivity  callName = "activity"
	callProcesses callName = "processes"
	callEvents    callName = "events"
	callLog       callName = "log"
)

// serverFacts are about what answers at CLAWGATE_OLLAMA_URL.
type serverFacts struct {
	TCP evidence.ProbeResult
	// Version and the rest were asked only when a connection could be made.
	Version    string
	VersionErr error
	// Addresses are what the URL's host name stands for.
	Addresses []netip.Addr
	API       evidence.ProbeResult
}

// reached says that something accepts connections at the URL.
func (s serverFacts) reached() bool { return s.TCP.Outcome == evidence.Success }

// running says that the container is known and runs.
func (e engineFacts) running() bool { return e.Err == nil && e.Container.Status == evidence.Running }

// Container is what the sidecar reads of its container at all times.
type Container interface {
	Inspect(ctx context.Context) (evidence.Container, error)
	Activity(ctx context.Context) (evidence.Activity, error)
	Processes(ctx context.Context) ([]evidence.Process, error)
}

// History is what the engine tells of the past.
type History interface {
	// LogTail returns the last lines of the container's log.
	LogTail(ctx context.Context, lines int) ([]string, error)
	// Events reports evidence.Resync as soon as the stream is open, and goes on
	// until ctx ends.
	Events(ctx context.Context, report func(evidence.ContainerEvent)) error
}

// Neighbours lists the engine's containers, for whoever looks for a name.
type Neighbours interface {
	Neighbours(ctx context.Context) ([]evidence.Container, error)
}

// Engine is all of it.
type Engine interface {
	Container
	History
	Neighbours
}

// GPU looks at the GPUs as a container that is started now would. It never
// fails: a view that cannot be had is unknown.
type GPU interface {
	FreshView(ctx context.Context) evidence.GPUView
}

// Helper is the container that resets the GPU.
type Helper interface {
	// Ready says why it could not be run now.
	Ready(ctx context.Context) error
}

// Resolve finds the addresses of a host name, as net.Resolver.LookupNetIP does.
type Resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
