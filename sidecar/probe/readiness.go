package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// readiness is one running attempt: what it waits for at the moment is read by
// the timer that reports it overdue.
type readiness struct {
	spec    ReadySpec
	began   time.Time
	overdue func(waitsFor string)
	timer   *time.Timer // of the first chunk's deadline

	// Of the question that was asked last.
	path    string
	embeds  bool          // it asks for an embedding, so that the answer has no text
	body    io.ReadCloser // the answer, once there is one
	symbols symbols       // that it said so far
	refused bool          // Ollama says that it is none for the model

	mu       sync.Mutex
	waitsFor string
	late     bool // overdue was called
	ended    bool
}

// nowWaitsFor notes what the attempt waits for. An attempt that is overdue
// already says so again: the supervisor tells a silent server from a silent
// model by it.
func (r *readiness) nowWaitsFor(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waitsFor = what
	if r.late {
		r.overdue(what)
	}
}

func (r *readiness) deadlinePassed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.late = true
		r.overdue(r.waitsFor)
	}
}

// end waits for a report that is under way; none follows it.
func (r *readiness) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// rest reads what is left of the answer, as far as one may be long.
func (r *readiness) rest() {
	if r.body == nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.body, maxAnswer)) // whatever it is, the result stands
	_ = r.body.Close()
}

func (r *readiness) waits() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waitsFor
}

func (r *readiness) result(outcome evidence.Outcome, reason string) evidence.ProbeResult {
	took := time.Since(r.began)
	late := outcome == evidence.Success && took > r.spec.FirstChunk
	if late {
		reason = fmt.Sprintf("the first chunk came after %s", took.Round(time.Millisecond))
	}
	return evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: outcome, Reason: reason, At: time.Now(), Took: took, Late: late}
}

// failed turns an error of the transport into a result. An attempt that was
// called off says nothing about the server, and neither does a name that cannot
// be resolved: the TCP probe reports that.
func (r *readiness) failed(err error, timeout time.Duration) evidence.ProbeResult {
	if errors.Is(err, context.Canceled) {
		return r.result(evidence.Unknown, "the probe was called off")
	}
	outcome := evidence.Failure
	if unresolved(err) {
		outcome = evidence.Unknown
	}
	result := r.result(outcome, fmt.Sprintf("waiting for %s: %s", r.waits(), plain(err, timeout)))
	result.Refused, result.Unresolved = refused(err), unresolved(err)
	return result
}
