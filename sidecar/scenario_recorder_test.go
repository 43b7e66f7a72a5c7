package sidecar_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

// recorder is the container engine as the sidecar gets it. It notes what the
// sidecar has it do.
type recorder struct {
	*simulation.World
	blind      bool          // it lists no processes
	unmeasured bool          // it tells nothing of the container's activity
	unruled    bool          // the container has no restart policy
	lateKills  time.Duration // signals are told that much later
	name       namesake      // what has the configured name
	// hostNetwork is a container without counters of a network, and spare one that
	// uses that many times less CPU, because its GPU does the work.
	hostNetwork bool
	spare       int
	// asked is told of every call as it begins, and may answer it with an error; nil
	// for nobody.
	asked func(call string) error
	// shows alters what an inspection shows; nil for nothing.
	shows func(evidence.Container) evidence.Container

	mu       sync.Mutex
	acts     []string
	seen     int // how many of them were asked for
	under    int // writes under way
	overlaps []string
	report   func(evidence.ContainerEvent) // that the sidecar listens with
	// judge is told of every act as it begins; nil for nobody.
	judge func(act string)
}

func (r *recorder) ask(call string) error {
	if r.asked == nil {
		return nil
	}
	return r.asked(call)
}

func (r *recorder) Stop(ctx context.Context, run evidence.Identity, timeout time.Duration) error {
	defer r.note("stop")()
	if err := r.ask("write"); err != nil {
		return err
	}
	if _, taken := r.name.taken(); taken {
		return nil // and it is noted
	}
	return r.World.Stop(ctx, run, timeout)
}

func (r *recorder) Start(ctx context.Context, run evidence.Identity) error {
	defer r.note("start")()
	if err := r.ask("write"); err != nil {
		return err
	}
	if _, taken := r.name.taken(); taken {
		return nil // and it is noted
	}
	return r.World.Start(ctx, run)
}

func (r *recorder) Restart(ctx context.Context, run evidence.Identity, timeout time.Duration) error {
	defer r.note("restart")()
	if err := r.ask("write"); err != nil {
		return err
	}
	if _, taken := r.name.taken(); taken {
		return nil // and it is noted
	}
	return r.World.Restart(ctx, run, timeout)
}

func (r *recorder) Processes(ctx context.Context) ([]evidence.Process, error) {
	if r.blind {
		return nil, simulation.ErrNotRunning
	}
	if err := r.ask("top"); err != nil {
		return nil, err
	}
	if _, taken := r.name.taken(); taken {
		return nil, simulation.ErrNotRunning
	}
	return r.World.Processes(ctx)
}

func (r *recorder) Activity(ctx context.Context) (evidence.Activity, error) {
	if r.unmeasured {
		return evidence.Activity{}, simulation.ErrNotRunning
	}
	if err := r.ask("stats"); err != nil {
		return evidence.Activity{}, err
	}
	if other, taken := r.name.taken(); taken {
		return other.activity()
	}
	activity, err := r.World.Activity(ctx)
	if r.spare > 0 {
		activity.CPU /= time.Duration(r.spare)
	}
	if r.hostNetwork {
		activity.NetRx, activity.NetTx = 0, 0
	}
	return activity, err
}

func (r *recorder) Inspect(ctx context.Context) (evidence.Container, error) {
	if err := r.ask("inspect"); err != nil {
		return evidence.Container{}, err
	}
	c, err := r.World.Inspect(ctx)
	if other, taken := r.name.taken(); taken && err == nil {
		return other.inspected(c.Name), nil
	}
	if r.unruled {
		c.RestartPolicy = "no"
	}
	if r.shows != nil && err == nil {
		c = r.shows(c)
	}
	return c, err
}

func (r *recorder) GPUHint(ctx context.Context) (evidence.GPUHint, error) {
	if err := r.ask("logs"); err != nil {
		return evidence.GPUHintUnknown, err
	}
	return r.World.GPUHint(ctx)
}

func (r *recorder) View(ctx context.Context) evidence.GPUView {
	if err := r.ask("GPU"); err != nil {
		return evidence.GPUView{Reason: err.Error()}
	}
	other, _ := r.name.taken()
	return other.holds(r.World.View(ctx))
}

func (r *recorder) Events(ctx context.Context, report func(evidence.ContainerEvent)) error {
	r.mu.Lock()
	r.report = report
	r.mu.Unlock()
	return r.World.Events(ctx, func(e evidence.ContainerEvent) {
		if _, taken := r.name.taken(); taken && e.Action != evidence.EngineLost && e.Action != evidence.Resync {
			return // it is about a container of another name
		}
		if e.Action != evidence.ActionKill || r.lateKills == 0 {
			report(e)
			return
		}
		go func() {
			select {
			case <-time.After(r.lateKills):
				report(e)
			case <-ctx.Done():
			}
		}()
	})
}

// note writes an act down; what it returns is called at the act's end.
func (r *recorder) note(act string) (end func()) {
	if r.judge != nil {
		r.judge(act)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts = append(r.acts, act)
	if r.under > 0 {
		r.overlaps = append(r.overlaps, act)
	}
	if act == "unload" {
		return func() {}
	}
	r.under++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.under--
	}
}

// taken are the acts since it was called last.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := r.acts[r.seen:]
	r.seen = len(r.acts)
	return fresh
}

// count is how often an act was taken in all.
func (r *recorder) count(act string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, a := range r.acts {
		if a == act {
			n++
		}
	}
	return n
}

// check holds for every scenario: one remedy at a time.
func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.overlaps) > 0 {
		t.Errorf("taken while another remedy was under way: %q", r.overlaps)
	}
}
