// Package loglimit bounds a log, whatever happens to the program: clients, servers
// and engines can make the same thing happen thousands of times a second, and none
// of them may fill the disk or hide what else is said.
//
// Each place in the program that writes lines has its own bound, so that one that
// repeats itself takes nothing from the others. Where one place tells what others have
// decided, each of their messages has a bound. Places and messages are as many as the
// program has, since messages are constants, so that the memory for them is bounded as well.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// AtOnce is how many lines of one place pass without a pause: a recovery tells
	// its ten steps, and a restart cuts some tens of answers, each with a line.
	AtOnce = 30
	// Pause is between two lines of a place that has used those up.
	Pause = 2 * time.Second
	// LeftOut is the attribute of the next line of that place that passes: how many
	// were left out before it.
	LeftOut = "left_out"
)

// Handler passes lines on within the bounds. It is made by New, and safe for
// concurrent use.
type Handler struct {
	next slog.Handler
	*places
}

// New bounds what next gets.
func New(next slog.Handler) *Handler {
	return &Handler{next, &places{known: map[line]*place{}}}
}

// places are shared by a handler and those that were derived from it.
type places struct {
	mu    sync.Mutex
	known map[line]*place
}

// line is one of the program's source. Lines that do not tell where they come from,
// as those that net/http writes, are of one place together.
type line struct {
	file    string
	number  int
	message string
}

func lineOf(record slog.Record) line {
	if source := record.Source(); source != nil {
		return line{source.File, source.Line, record.Message}
	}
	return line{}
}

type place struct {
	limiter *rate.Limiter
	leftOut int
}

// pass says whether a line of the place may pass now, and how many were left out
// before it.
func (p *places) pass(at line) (leftOut int, passes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.known[at]
	if from == nil {
		from = &place{limiter: rate.NewLimiter(rate.Every(Pause), AtOnce)}
		p.known[at] = from
	}
	if !from.limiter.Allow() {
		from.leftOut++
		return 0, false
	}
	leftOut, from.leftOut = from.leftOut, 0
	return leftOut, true
}

// Enabled is what the bounded handler says.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes the line on, or leaves it out and returns nil.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	leftOut, passes := h.pass(lineOf(record))
	if !passes {
		return nil
	}
	if leftOut > 0 {
		record = record.Clone() // others may hold the same one
		record.AddAttrs(slog.Int(LeftOut, leftOut))
	}
	return h.next.Handle(ctx, record)
}

// WithAttrs returns a handler under the same bounds.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.places}
}

// WithGroup returns a handler under the same bounds.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.places}
}
