// Package healthlog keeps the health log: one JSON line for every change of
// state or verdict, every remedy and every failed probe, in a file of its own
// that begins anew each day, and the last few of those changes in memory. What
// repeats itself without end is written down within a bound, and counted.
//
// It records what the supervisor tells it. It decides nothing, and nothing
// waits for it: a full disk, a missing permission or a disk that hangs costs
// lines of the log, which are counted, and never an answer or a recovery.
package healthlog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// queueLength is how many lines may wait for the disk. A recovery makes
	// some tens of them.
	queueLength = 1024
	// recentLength is how many changes are kept in memory.
	recentLength = 64
	// atOnce records of one kind are written however fast they come, and then one
	// after each pause: three probes that fail every few seconds stay well below it,
	// and a day at the bound is 86,400 lines of a kind.
	atOnce = 256
	pause  = time.Second
	// closeTimeout is how long the end of Run waits for a disk that hangs.
	closeTimeout = 5 * time.Second
)

// Log is the health log. Make it with New; Add, Recent and Dropped may be
// called from any goroutine, before, during and after Run.
type Log struct {
	logger  *slog.Logger
	path    string
	file    io.WriteCloser // nil when the log is off
	queue   chan Record
	recent  recent
	bounds  map[Kind]*rate.Limiter
	dropped atomic.Uint64
}

// New returns a log that writes to the file at path, which is made with its
// folder when the first line comes. With an empty path there is no file, and
// Recent works all the same. What goes wrong with the file is told to logger.
func New(path string, logger *slog.Logger) *Log {
	log := &Log{logger: logger, path: path, queue: make(chan Record, queueLength), bounds: map[Kind]*rate.Limiter{}}
	for _, kind := range kinds {
		log.bounds[kind] = rate.NewLimiter(rate.Every(pause), atOnce)
	}
	if path != "" {
		log.file = newDailyFile(path)
	}
	return log
}

// Add takes a record of one of the kinds, and never blocks: when the disk is so far
// behind that the queue is full, or too many of the kind come, the line is dropped
// and counted.
func (l *Log) Add(record Record) {
	if record.Kind != KindProbeFailure {
		l.recent.add(record)
	}
	if l.file == nil {
		return
	}
	if bound := l.bounds[record.Kind]; bound != nil && !bound.Allow() {
		l.dropped.Add(1)
		return
	}
	select {
	case l.queue <- record:
	default:
		l.dropped.Add(1)
	}
}

// Recent returns the newest changes, at most limit (and at most 64), oldest first.
func (l *Log) Recent(limit int) []Record { return l.recent.last(limit) }

// Dropped counts the lines that did not reach the file, since the start.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Run writes until ctx ends, then writes what is still queued and closes the
// file. End ctx after the last Add, so that nothing is lost. It returns nil
// also when the disk hangs: that is logged, and after 5 s not waited for.
func (l *Log) Run(ctx context.Context) error {
	if l.file == nil {
		<-ctx.Done()
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.writeAll(ctx)
	}()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(closeTimeout):
		l.logger.Warn("health log not closed: the disk does not answer", "path", l.path, "queued", len(l.queue))
	}
	return nil
}

func (l *Log) writeAll(ctx context.Context) {
	writer := lineWriter{log: l}
	defer writer.close()
	for {
		select {
		case record := <-l.queue:
			writer.write(record)
		case <-ctx.Done():
			for len(l.queue) > 0 {
				writer.write(<-l.queue)
			}
			return
		}
	}
}

// lineWriter is the writing goroutine's own state.
type lineWriter struct {
	log     *Log
	failing bool   // the last line had an error, and the first such has been logged
	torn    bool   // the last line was written in part
	told    uint64 // dropped lines that have been reported
}

func (w *lineWriter) write(record Record) {
	err := w.writeLine(record)
	if err != nil && !w.failing {
		w.log.logger.Warn("health log is impaired", "path", w.log.path, "err", err)
	}
	w.failing = err != nil
	w.tellDropped()
}

// writeLine writes one record. A line that a full disk tore is ended first, so
// that it spoils no other.
func (w *lineWriter) writeLine(record Record) error {
	line, err := json.Marshal(record)
	if err != nil {
		w.log.dropped.Add(1)
		return fmt.Errorf("cannot encode a %s record: %w", record.Kind, err)
	}
	if w.torn {
		line = append([]byte{'\n'}, line...)
	}
	line = append(line, '\n')
	written, err := w.log.file.Write(line)
	if written < len(line) {
		w.log.dropped.Add(1)
		w.torn = w.torn || written > 0
		return fmt.Errorf("cannot write: %w", err)
	}
	w.torn = false
	return err
}

// tellDropped reports, once the file can be written again, how many lines it lacks.
func (w *lineWriter) tellDropped() {
	dropped := w.log.dropped.Load()
	if w.failing || dropped == w.told {
		return
	}
	w.log.logger.Warn("health log lacks lines", "path", w.log.path, "dropped", dropped-w.told)
	w.told = dropped
}

func (w *lineWriter) close() {
	if err := w.log.file.Close(); err != nil {
		w.log.logger.Warn("health log cannot be closed", "path", w.log.path, "err", err)
	}
}
