package sidecar_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar"
	"github.com/clawdbot/clawgate/sidecar/evidence"
	"github.com/clawdbot/clawgate/sidecar/simulation"
)

// recorder is the container engine as the sidecar gets it. It notes what the
// sidecar has it do.
type recorder struct {
	*simulation.World
	blind      bool          // it lists no processes
	unmeasured bool          // it tells nothing of the container's activity
	unruled    bool          // the container has no restart policy
	lateKills  time.Duration // signals are told that much later
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
	return r.World.Stop(ctx, run, timeout)
}

func (r *recorder) Start(ctx context.Context, run evidence.Identity) error {
	defer r.note("start")()
	if err := r.ask("write"); err != nil {
		return err
	}
	return r.World.Start(ctx, run)
}

func (r *recorder) Restart(ctx context.Context, run evidence.Identity, timeout time.Duration) error {
	defer r.note("restart")()
	if err := r.ask("write"); err != nil {
		return err
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
	return r.World.Processes(ctx)
}

func (r *recorder) Activity(ctx context.Context) (evidence.Activity, error) {
	if r.unmeasured {
		return evidence.Activity{}, simulation.ErrNotRunning
	}
	if err := r.ask("stats"); err != nil {
		return evidence.Activity{}, err
	}
	return r.World.Activity(ctx)
}

func (r *recorder) Inspect(ctx context.Context) (evidence.Container, error) {
	if err := r.ask("inspect"); err != nil {
		return evidence.Container{}, err
	}
	c, err := r.World.Inspect(ctx)
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
	return r.World.View(ctx)
}

func (r *recorder) Events(ctx context.Context, report func(evidence.ContainerEvent)) error {
	r.mu.Lock()
	r.report = report
	r.mu.Unlock()
	return r.World.Events(ctx, func(e evidence.ContainerEvent) {
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

// history is the sidecar's log. It knows the states from it, with their times.
type history struct {
	mu      sync.Mutex
	began   time.Time
	lines   []string
	notes   []note
	states  []entered
	cursor  int           // of awaitState
	changed chan struct{} // closed and made anew with each state
	// mayBeReady says why the sidecar must not call itself ready now.
	mayBeReady func() error
	lies       []string
	// heard is told of every line as it is written; nil for nobody.
	heard func(note)
}

type entered struct {
	state sidecar.State
	at    time.Time
}

func newHistory() *history { return &history{began: time.Now(), changed: make(chan struct{})} }

func (h *history) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (h *history) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h *history) WithGroup(string) slog.Handler                    { return h }

func (h *history) Handle(_ context.Context, r slog.Record) error {
	taken := noteOf(r)
	if h.heard != nil {
		h.heard(taken)
	}
	ready := taken.message == "state changed" && taken.with["to"] == string(sidecar.Ready)
	if ready { // not under the lock: a slow engine takes its time to tell
		h.mayBe(h.mayBeReady())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	line := fmt.Sprintf("%10.3fs %s %s", r.Time.Sub(h.began).Seconds(), r.Level, r.Message)
	h.notes = append(h.notes, taken)
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%q", a.Key, a.Value)
		if r.Message == "state changed" && a.Key == "to" {
			h.enter(sidecar.State(a.Value.String()))
			close(h.changed)
			h.changed = make(chan struct{})
		}
		return true
	})
	h.lines = append(h.lines, line)
	return nil
}

// remark adds a line of the scenario's own.
func (h *history) remark(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf("%10.3fs ==== %s", time.Since(h.began).Seconds(), text))
}

func (h *history) enter(state sidecar.State) {
	h.states = append(h.states, entered{state, time.Now()})
}

// mayBe notes that the sidecar calls itself ready and cannot be.
func (h *history) mayBe(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.lies = append(h.lies, fmt.Sprintf("after %s: %s", time.Since(h.began), err))
	}
}

// keptLines is what is shown of a long history.
const keptLines = 400

func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines[max(0, len(h.lines)-keptLines):], "\n")
}

// count is how many lines of the log contain the text.
func (h *history) count(text string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, line := range h.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (h *history) state() sidecar.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.states) == 0 {
		return ""
	}
	return h.states[len(h.states)-1].state
}

func (h *history) awaitState(state sidecar.State, limit time.Duration) (at time.Time, found bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		h.mu.Lock()
		for ; h.cursor < len(h.states) && !found; h.cursor++ {
			at, found = h.states[h.cursor].at, h.states[h.cursor].state == state
		}
		changed := h.changed
		h.mu.Unlock()
		if found {
			return at, true
		}
		select {
		case <-changed:
		case <-timer.C:
			return time.Time{}, false
		}
	}
}

// awaitChange waits for the next change of state. It moves the cursor to it.
func (h *history) awaitChange(limit time.Duration) (to sidecar.State, changed bool) {
	h.mu.Lock()
	wait := h.changed
	h.cursor = len(h.states)
	h.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-wait:
		return h.state(), true
	case <-timer.C:
		return "", false
	}
}
