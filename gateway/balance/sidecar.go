package balance

import (
	"net/url"
	"time"
)

// standing is what is known of one sidecar. It is a value.
type standing struct {
	// Reached says that it answered the last time that somebody tried.
	reached bool
	// Ready says that its gate is open, and that it is not about to end.
	ready    bool
	draining bool
	// MayHold says that a request may wait at its closed gate, for HoldMax at most.
	mayHold bool
	holdMax time.Duration
	// Instance is the id that the sidecar's process has given itself at its start, as
	// it was last told; empty where it tells none.
	instance string
	// State is the supervisor's ("ready", "isolated", …), empty before the first look.
	state string
	// Model is the one that it looks after (CLAWGATE_MODEL), normalised.
	model string
	// KeepAlive is how long it keeps Model loaded after a request; negative for ever.
	keepAlive time.Duration
	// Reason is why its gate is closed for every model.
	reason string
	// Models says why it is closed for single ones, by normalised name.
	models map[string]string
	// LostSince is when it was last reached, while it is not; else zero.
	lostSince time.Time
	// Problem is why it cannot be reached.
	problem string
}

// closedFor says that its gate is known to be closed for a model.
func (s *standing) closedFor(model string) bool {
	if s.reason != "" {
		return true
	}
	_, closed := s.models[model]
	return closed
}

// takes says that an inference request for the model would be served.
func (s *standing) takes(model string) bool {
	return s.reached && s.ready && !s.closedFor(model)
}

// restarting says that it is likely to be back in seconds: it is away, about
// to end, or has just begun.
func (s *standing) restarting() bool {
	return !s.reached || s.draining || s.state == "starting"
}

// Sidecar is one relay behind the gateway, by one of its addresses.
type Sidecar struct {
	// Address is host:port as it is dialled. It names the sidecar in metrics and logs.
	Address string
	URL     *url.URL

	// Guarded by the pool's lock.
	standing standing
	inFlight int
	chosen   uint64        // when it was chosen last, by the pool's count
	removed  bool          // from the list
	look     chan struct{} // asks for a look at once; never blocks
}

func (s *Sidecar) lookSoon() {
	select {
	case s.look <- struct{}{}:
	default: // one is due already
	}
}
