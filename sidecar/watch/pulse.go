package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// What counts as activity, per second of the container's time. Measured on a
// real Ollama: generating used 1,276 ms of CPU a second, or all of its quota on
// a container held to 3 % of a core (30 ms); frozen it used none, and answering
// Clawgate's own probes costs under 5 ms.
const (
	busyCPU     = 8 * time.Millisecond
	busyNetwork = 16 << 10  // bytes: a stream to a client that bypasses the relay
	busyDisk    = 128 << 10 // bytes: a load from disk
)

// pulseAge is how old the newest reading may be for the view to count as known.
const pulseAge = 10 * time.Second

// Stillness is how long the container has to be seen without activity to be at rest.
// Readings come every two seconds: this is two of them.
const Stillness = 3500 * time.Millisecond

// longWork is longer than a probe makes a server work, and shorter than a load or
// an answer to somebody.
const longWork = 10 * time.Second

// Pulse tells a working container from a still one, by readings of its
// resource counters. The zero value knows nothing.
type Pulse struct {
	first, last evidence.Activity
	// lastActive is the end of the last interval in which the container worked.
	lastActive time.Time
	// began is when the work that goes on now began, zero while it rests, and
	// lastLong the end of the last that went on for longWork.
	began, lastLong time.Time
	// Rate is what the container did in the newest interval, for the status.
	Rate Rate
}

// Rate is the container's use of resources per second.
type Rate struct {
	CPU     time.Duration
	Network float64 // bytes
	Disk    float64 // bytes
}

// Add takes one more reading. Counters that run backwards belong to a new run
// of the container: what was known before says nothing about it.
func (p Pulse) Add(reading evidence.Activity) Pulse {
	if p.last.SeenAt.IsZero() || reading.CPU < p.last.CPU || !reading.SeenAt.After(p.last.SeenAt) {
		return Pulse{first: reading, last: reading}
	}
	p.Rate = rate(p.last, reading)
	if p.Rate.CPU >= busyCPU || p.Rate.Network >= busyNetwork || p.Rate.Disk >= busyDisk {
		p = p.worked(reading.SeenAt)
	} else {
		p.began = time.Time{}
	}
	p.last = reading
	return p
}

func (p Pulse) worked(until time.Time) Pulse {
	if p.began.IsZero() {
		p.began = p.last.SeenAt
	}
	if until.Sub(p.began) >= longWork {
		p.lastLong = until
	}
	p.lastActive = until
	return p
}

func rate(from, to evidence.Activity) Rate {
	seconds := to.SeenAt.Sub(from.SeenAt).Seconds()
	return Rate{
		CPU:     time.Duration(float64(to.CPU-from.CPU) / seconds),
		Network: (grown(from.NetTx, to.NetTx) + grown(from.NetRx, to.NetRx)) / seconds,
		Disk:    (grown(from.BlockRead, to.BlockRead) + grown(from.BlockWrite, to.BlockWrite)) / seconds,
	}
}

func grown(from, to uint64) float64 {
	if to < from {
		return 0
	}
	return float64(to - from)
}

// Known says that the container's activity can be judged now.
func (p Pulse) Known(now time.Time) bool {
	return p.last.SeenAt.After(p.first.SeenAt) && now.Sub(p.last.SeenAt) <= pulseAge
}

// StillFor returns for how long the container has been seen without activity.
// It is zero while the view is not known: stillness has to be seen.
func (p Pulse) StillFor(now time.Time) time.Duration {
	if !p.Known(now) {
		return 0
	}
	since := p.first.SeenAt
	if p.lastActive.After(since) {
		since = p.lastActive
	}
	return p.last.SeenAt.Sub(since)
}

// RestsFor returns for how long the container has been seen without work of any
// length: what a readiness probe makes it do is none. Zero while it works, and
// while the view is not known.
func (p Pulse) RestsFor(now time.Time) time.Duration {
	if p.StillFor(now) < Stillness {
		return 0
	}
	since := p.first.SeenAt
	if p.lastLong.After(since) {
		since = p.lastLong
	}
	return p.last.SeenAt.Sub(since)
}

// UnseenSince is from when on nothing is known to have moved, for something that
// began at the given time: activity that was seen counts for as long as it was
// seen, and a view that has just begun gets its time to show some.
func (p Pulse) UnseenSince(began time.Time) time.Time {
	for _, seen := range []time.Time{p.first.SeenAt, p.lastActive} {
		if seen.After(began) {
			began = seen
		}
	}
	return began
}

// ReadAfter says that the newest reading was taken at or after t.
func (p Pulse) ReadAfter(t time.Time) bool { return !p.last.SeenAt.Before(t) }

// SeenAt is when the newest reading was taken.
func (p Pulse) SeenAt() time.Time { return p.last.SeenAt }

// LastActive is when the container was last seen working; zero if never.
func (p Pulse) LastActive() time.Time { return p.lastActive }
