package sidecar_test

import (
	"log/slog"
	"time"
)

// note is one line of the sidecar's log, taken apart.
type note struct {
	at      time.Time
	message string
	with    map[string]string
}

func noteOf(r slog.Record) note {
	n := note{at: r.Time, message: r.Message, with: map[string]string{}}
	r.Attrs(func(a slog.Attr) bool {
		n.with[a.Key] = a.Value.String()
		return true
	})
	return n
}

// notesSince are the log's lines with that message from a moment on.
func (h *history) notesSince(from time.Time, message string) []note {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []note
	for _, n := range h.notes {
		if n.message == message && !n.at.Before(from) {
			found = append(found, n)
		}
	}
	return found
}

// rungsSince are the remedies that were begun from a moment on, in order.
func (h *history) rungsSince(from time.Time) []string {
	var rungs []string
	for _, n := range h.notesSince(from, "taking a remedy") {
		rungs = append(rungs, n.with["rung"])
	}
	return rungs
}
