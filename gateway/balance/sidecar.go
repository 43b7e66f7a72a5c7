package balance

import (
	"net/url"
	"time"
)

// Standing is what is known of one sidecar. It is a value.
type Standing struct {
	// Reached says that it answered the last time that somebody tried.
	Reached bool
	// Ready says that its gate is open, and that it is not about to end.
	Ready    bool
	Draining bool
	// MayHold says that a request may wait at its closed gate, for HoldMax at most.
	MayHold bool
	HoldMax time.Duration
	// Instance is the id that the sidecar's process has given itself at its start, as
	// it was last told; empty where it tells none.
	Instance string
	// State is the supervisor's ("ready", "isolated", …), empty before the first look.
	State string
	// Model is the one that it looks after (CLAWGATE_MODEL), normalised.
	Model string
	// KeepAlive is how long it keeps Model loaded after a request; negative for ever.
	KeepAlive time.Duration
	// Reason is why its gate is closed for every model.
	Reason string
	// Models says why it is closed for single ones, by normalised name.
	Models map[string]string
	// LostSince is when it was last reached, while it is not; else zero.
	LostSince time.Time
	// Problem is why it cannot be reached.
	Problem string
}

// closedFor says that its gate is known to be closed for a model.
func (s *Standing) closedFor(model string) bool {
	if s.Reason != "" {
		return true
	}
	_, closed := s.Models[model]
	return closed
}

// takes says that an inference request for the model would be served.
func (s *Standing) takes(model string) bool {
	return s.Reached && s.Ready && !s.closedFor(model)
}

// restarting says that it is likely to be back in seconds: it is away, about
// to end, or has just begun.
func (s *Standing) restarting() bool {
	return !s.Reached || s.Draining || s.State == "starting"
}

// Sidecar is one relay behind the gateway, by one of its addresses.
type Sidecar struct {
	// Address is host:port as it is dialled. It names the sidecar in metrics and logs.
	Address string
	URL     *url.URL

	// Guarded by the pool's lock.
	standing Standing
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
