package recovery

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Engine is the container as the remedies need it.
type Engine interface {
	Stop(ctx context.Context, run evidence.Identity, timeout time.Duration) error
	Start(ctx context.Context, run evidence.Identity) error
	Restart(ctx context.Context, run evidence.Identity, timeout time.Duration) error
}

// View is what the remedies look at, before and after.
type View interface {
	Inspect(ctx context.Context) (evidence.Container, error)
	Processes(ctx context.Context) ([]evidence.Process, error)
}

// Server is the Ollama server that is being mended.
type Server interface {
	Unload(ctx context.Context, model string) error
	Blob(ctx context.Context, model string) (string, error)
	Version(ctx context.Context) (string, error)
}

// GPU tells what the GPUs hold. It never fails: a view that cannot be had is
// unknown.
type GPU interface {
	View(ctx context.Context) evidence.GPUView
}

// LeakCheck says whether the owner's end, between two views, left GPU memory
// behind.
type LeakCheck func(before, after evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport

// Ladder carries out remedies. One at a time: it is called by one worker.
type Ladder struct {
	Engine  Engine
	View    View
	Server  Server
	GPU     GPU
	Leaks   LeakCheck
	Journal *Journal
	// Fresh looks at the GPUs through a new initialisation of the driver's library,
	// as a container that is started does; nil to do without.
	Fresh func(ctx context.Context) evidence.GPUView
	// Reset is nil where no GPU may be reset.
	Reset *GPUReset
	// Cancel ends all of Clawgate's own requests to a model ("" for every
	// model) and returns how many there were, once they have ended.
	Cancel func(model string) int
	// InUse says that clients' requests to a model are under way; nil for unknown.
	InUse func(model string) bool
	Log   *slog.Logger

	StopTimeout time.Duration
	SettleDelay time.Duration
	LeakWait    time.Duration
}

// Report is what a remedy did.
type Report struct {
	Steps []watch.Step
	// Snapshot is the GPU as it was before anything was touched.
	Snapshot evidence.GPUView
	// StopSent says that the engine may have been given a stop.
	StopSent bool
	// Leak is what the leak check found after a stop; nil without a stop.
	Leak *evidence.LeakReport
	// Err is why the remedy failed; nil when its effect was seen.
	Err error
}

// do runs one step and notes how long it took. After a failure the rest is
// passed over.
func (r *Report) do(name string, step func() (detail string, err error)) {
	if r.Err != nil {
		return
	}
	began := time.Now()
	detail, err := step()
	r.Steps = append(r.Steps, watch.Step{Name: name, Took: time.Since(began), Detail: detail})
	if err != nil {
		r.Err = fmt.Errorf("cannot %s: %w", name, err)
	}
}

// try runs one step that the rest does not hang on: its failure is told as its
// detail and returned, and the remedy goes on.
func (r *Report) try(name string, step func() (detail string, err error)) bool {
	began := time.Now()
	detail, err := step()
	if err != nil {
		detail = strings.TrimPrefix(detail+"; failed: "+err.Error(), "; ")
	}
	r.Steps = append(r.Steps, watch.Step{Name: name, Took: time.Since(began), Detail: detail})
	return err == nil
}

// poll is how soon a change is looked for while a remedy waits for it. It is
// most of what Clawgate adds to the engine's own times.
const poll = 50 * time.Millisecond

// rhythm is the pause before the next look, after the last pause and all that was
// waited. None stays at poll: what does not come soon may not come for minutes.
type rhythm func(last, waited time.Duration) time.Duration

// doubling looks ever more seldom, for looks that leave traces.
func doubling(last, _ time.Duration) time.Duration { return min(2*last, time.Second) }

// soon is within how long a server that was started answers, as a rule.
const soon = 15 * time.Second

// closely stays at poll for as long as what is waited for comes as a rule, and adds a
// fiftieth to it at most after that.
func closely(_, waited time.Duration) time.Duration {
	if waited < soon {
		return poll
	}
	return min(waited/50, time.Second)
}

// until calls look until it is true, and gives up at the limit.
func until(ctx context.Context, limit time.Duration, next rhythm, look func(context.Context) (bool, error)) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var reason error // why it is not true yet, as it was last told
	for wait := poll; ; wait = next(wait, time.Since(began)) {
		done, err := look(ctx)
		if done {
			return nil
		}
		if ctx.Err() == nil || reason == nil {
			reason = err
		}
		if pause.For(ctx, wait) != nil {
			if reason == nil {
				reason = ctx.Err()
			}
			return fmt.Errorf("gave up after %s: %w", time.Since(began).Round(time.Millisecond), reason)
		}
	}
}
