package relay

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/runners"
)

// Why an attempt was ended by the relay itself.
var (
	errRecovery = errors.New("a recovery began")
	errStalled  = errors.New("the answer stalled")
)

// flight is one attempt of an exchange to be answered: first waiting, then
// with Ollama. What admission decides about it is guarded by admission.mu.
type flight struct {
	*exchange
	ctx    context.Context
	cancel context.CancelCauseFunc
	// subject is which model the attempt is for: read by any goroutine, and set under
	// admission.mu.
	subject atomic.Pointer[subject]
	// suspect says that Ollama died, or was healed, while it worked on this.
	suspect bool

	shut    bool // it met a gate that was shut for it
	granted bool
	refusal *refusal
	urgent  bool // a suspect that has waited half its time for a quiet moment
	alone   bool // a suspect that others wait for, until its first chunk
	since   time.Time
	sentAt  time.Time
	wake    chan struct{} // made when it has to wait; closed when decided
	ended   chan struct{} // made by whoever waits for the end
	// patience is for those that wait for the proof that this one may be; nil where
	// none do.
	patience *time.Timer
	tried    atomic.Bool // it may be a proof

	// Nanoseconds since arrival, 0 for not yet; read by Traffic and the watch.
	firstPiece, lastPiece atomic.Int64
	writingSince          atomic.Int64
	waited, over          atomic.Bool
	alarm                 *time.Timer

	visit   *runners.Visit // of the attempt that was sent
	loading *time.Timer    // nil where nothing is loaded for it
}

func newFlight(x *exchange) *flight {
	ctx, cancel := context.WithCancelCause(x.request.Context())
	return &flight{exchange: x, ctx: ctx, cancel: cancel, suspect: x.replayed}
}

// allowance is how long the request may wait in all, from when it arrived.
func (f *flight) allowance(closure *Closure) time.Duration {
	switch {
	case f.kept:
		return max(f.relay.config.HoldMax, f.wait)
	case closure != nil && f.waitGiven && f.wait <= 0:
		return 0
	case closure != nil:
		return max(f.wait, closure.HoldFor)
	}
	return max(f.relay.config.QueueTimeout, f.wait)
}

// waitsNoLonger says that it is over with the wait at a closed gate that it was
// given itself: the gateway gives none where another relay would serve it, and
// nobody has seen it yet. Those that were given none may outlast a short
// isolation in the queue, but for one that met the gate shut, and was held for as
// long as it said.
func (f *flight) waitsNoLonger(closure *Closure) bool {
	return (f.waitGiven || f.shut) && f.allowance(closure) <= f.spent+time.Since(f.since)
}

// inOrder is the order in which attempts have begun to wait.
func inOrder(f, other *flight) int {
	return cmp.Or(f.since.Compare(other.since), cmp.Compare(f.serial, other.serial))
}

// age is the time since the request arrived, never 0.
func (f *flight) age() int64 { return max(1, int64(time.Since(f.arrived))) }

// watch looks after the attempt from its sending on: that somebody hears of a
// long wait for the first chunk, that silence between chunks ends some time,
// and that a client that reads nothing does not hold a slot for ever.
func (f *flight) watch() {
	f.alarm = time.AfterFunc(time.Hour, f.onAlarm) // assigned before it can fire
	f.alarm.Reset(max(f.relay.config.FirstChunkTimeout, time.Millisecond))
}

func (f *flight) unwatch() {
	f.over.Store(true)
	f.alarm.Stop()
	f.cancel(nil)
}

func (f *flight) onAlarm() {
	if f.over.Load() {
		return
	}
	again := f.relay.config.StallTimeout
	if last := f.lastPiece.Load(); last == 0 {
		f.waitedLong()
	} else {
		silent := time.Duration(f.age() - last)
		again = f.stalled(silent)
	}
	if again > 0 && !f.over.Load() {
		f.alarm.Reset(again)
	}
}

// waitedLong is told once an attempt.
func (f *flight) waitedLong() {
	if f.waited.Swap(true) {
		return
	}
	f.post(evidence.Sign{Kind: evidence.SignWaitedLong, Took: time.Since(f.sentAt)})
}

// stalled acts on silence and says when to look again.
func (f *flight) stalled(silent time.Duration) time.Duration {
	limit := f.relay.config.StallTimeout
	if limit <= 0 {
		return 0
	}
	if since := f.writingSince.Load(); since > 0 && time.Duration(f.age()-since) >= limit {
		_ = f.control.SetWriteDeadline(time.Now()) // the client reads nothing; without deadlines only its leaving ends this
		return limit
	}
	if silent < limit {
		return limit - silent
	}
	if f.relay.config.Working() {
		return min(limit, 5*time.Second)
	}
	f.cancel(errStalled)
	return 0
}

// arrive notes the request with the runners that it may have started or ended.
func (f *flight) arrive() {
	ask := runners.Ask{Model: f.subject.Load().evident(), Setup: f.peek.Setup}
	ask.Unread = !f.peek.IsObject()
	if ask.Model == "" {
		ask.Model, ask.Shared = f.subject.Load().lane, true
	}
	if keep := f.peek.KeepAlive; keep.Given {
		ask.KeepAlive = &keep.For // 0 for one that nobody can read
	}
	f.visit = f.relay.config.Runners.Begin(ask, time.Now())
	if f.visit.Loads() {
		f.loading = time.AfterFunc(runnerShows, func() {
			if f.firstPiece.Load() == 0 && !f.over.Load() {
				f.post(evidence.Sign{Kind: evidence.SignLoading})
			}
		})
	}
}

// runnerShows is how long after a request the runner that is started for it can be
// seen, if the load goes on for that long.
const runnerShows = time.Second

// depart is called when the attempt is over, however it ended.
func (f *flight) depart() {
	if f.loading != nil {
		f.loading.Stop()
	}
	f.visit.End(time.Now())
}

// hint tells what an error of Ollama's may mean.
func (f *flight) hint(failure ollama.Failure) {
	if failure.Kind == "" {
		return
	}
	if failure.Kind != evidence.SignOverloaded {
		f.visit.Doubted(time.Now())
	}
	f.post(evidence.Sign{Kind: failure.Kind, Detail: failure.String()})
}

// brokeOff tells that Ollama ended the connection before its answer was whole.
func (f *flight) brokeOff(err error) {
	f.visit.Doubted(time.Now())
	f.post(evidence.Sign{Kind: evidence.SignRunnerDied, Detail: "Ollama broke the connection off: " + inWords(err)})
}

// post tells the supervisor what this attempt showed.
func (f *flight) post(sign evidence.Sign) {
	sign.Model, sign.At, sign.Request = f.subject.Load().evident(), time.Now(), f.serial
	f.relay.config.Signs(sign)
}
