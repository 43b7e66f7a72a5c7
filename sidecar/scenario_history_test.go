package sidecar_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

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
	state policy.State
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
	ready := taken.message == "state changed" && taken.with["to"] == string(policy.Ready)
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
			h.enter(policy.State(a.Value.String()))
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

func (h *history) enter(state policy.State) {
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

func (h *history) state() policy.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.states) == 0 {
		return ""
	}
	return h.states[len(h.states)-1].state
}

func (h *history) awaitState(state policy.State, limit time.Duration) (at time.Time, found bool) {
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
func (h *history) awaitChange(limit time.Duration) (to policy.State, changed bool) {
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
