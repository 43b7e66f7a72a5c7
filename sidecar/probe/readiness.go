package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// readiness is one running attempt: what it waits for at the moment is read by
// the timer that reports it overdue.
type readiness struct {
	spec  ReadySpec
	began time.Time

	mu       sync.Mutex
	waitsFor string
}

func (r *readiness) nowWaitsFor(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waitsFor = what
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
// called off says nothing about the server.
func (r *readiness) failed(err error, timeout time.Duration) evidence.ProbeResult {
	if errors.Is(err, context.Canceled) {
		return r.result(evidence.Unknown, "the probe was called off")
	}
	result := r.result(evidence.Failure, fmt.Sprintf("waiting for %s: %s", r.waits(), plain(err, timeout)))
	result.Refused = refused(err)
	return result
}
