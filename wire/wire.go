// Package wire is what the gateway and a sidecar's relay say to one another: the
// headers that both know, the report at /-/ready, and the reasons of the relay's
// refusals. It may be spoken by two releases of Clawgate at once, so that what is
// here is only added to.
//
// It sends and decides nothing, and no client needs to know it.
package wire

// Headers between the two layers. HeaderPrefix begins all of them but
// RequestIDHeader; what a client sends of that beginning does not pass the gateway.
const (
	HeaderPrefix = "Clawgate-"
	// RequestIDHeader tells one request from every other, in the logs of both.
	RequestIDHeader = "X-Request-Id"
	// KeyHeader is whose request it is, for fairness: a name or an address, never the
	// key.
	KeyHeader = HeaderPrefix + "Key"
	// StateHeader says who refuses: the sidecar's state, or ByGateway. Clients get it.
	StateHeader = HeaderPrefix + "State"
	// ReasonHeader says why the relay refuses: a Reason.
	ReasonHeader = HeaderPrefix + "Reason"
	// ReplayedHeader marks a request that has reached an Ollama before, behind another
	// relay, and the refusal of one that has reached an Ollama twice: it may be what
	// kills them.
	ReplayedHeader = HeaderPrefix + "Replayed"
	// SeenHeader says in a refusal that an Ollama has seen the request once.
	SeenHeader = HeaderPrefix + "Seen"
)

// ByGateway is the StateHeader of what the gateway refuses by itself.
const ByGateway = "gateway"

// Yes is the value of ReplayedHeader and of SeenHeader.
const Yes = "1"

// Reason is why the relay refuses with 503. It is a metric's label, too.
type Reason string

const (
	// Gate: the gate is closed for the model, or for all.
	Gate Reason = "gate"
	// QueueFull: as many wait for the model as may.
	QueueFull Reason = "queue_full"
	// QueueTimeout: it has waited for as long as it may.
	QueueTimeout Reason = "queue_timeout"
	// Draining: the relay is about to end.
	Draining Reason = "draining"
	// Upstream: Ollama did not answer.
	Upstream Reason = "upstream"
	// Crowded: as many requests are in hand as the relay has room for.
	Crowded Reason = "crowded"
	// Memory: there is no room for the request's body.
	Memory Reason = "memory"
)

// Ready is the report that the relay gives at /-/ready, with 200 where the gate is
// open and 503 where it is not.
type Ready struct {
	Ready bool `json:"ready"`
	// State is the sidecar's; never empty.
	State string `json:"state"`
	// Instance is the relay's process, by an id that is random for each start: a
	// gateway may find it by several addresses. Older relays have none.
	Instance string `json:"instance"`
	// Reason is why the gate is closed for all models.
	Reason string `json:"reason,omitempty"`
	// MayHold says that a request may wait for the gate to open.
	MayHold bool `json:"may_hold"`
	// HoldMaxMs is the longest wait that a client may ask for, in milliseconds.
	HoldMaxMs int64 `json:"hold_max_ms"`
	// Draining says that the relay is about to end.
	Draining bool `json:"draining,omitempty"`
	// Model is the one that the sidecar looks after, normalised.
	Model string `json:"model,omitempty"`
	// KeepAliveMs is how long it keeps Model loaded after a request, in
	// milliseconds; negative for ever, and so it is taken where it is not told.
	KeepAliveMs *int64 `json:"keep_alive_ms"`
	// Models says why the gate is closed for single ones, by each name that such a model
	// has, normalised: not for all of them, where they are many.
	Models map[string]string `json:"models,omitempty"`
	Load   Load              `json:"load"`
	// Slots is how many requests Ollama works on at a time.
	Slots int `json:"slots"`
}

// Load is how much the relay has to do at one moment.
type Load struct {
	InFlight int `json:"in_flight"` // inference requests sent and not ended
	Queued   int `json:"queued"`    // waiting for a slot
	Held     int `json:"held"`      // waiting at the closed gate
	// BufferedBytes is the memory that request bodies hold.
	BufferedBytes int64 `json:"buffered_bytes"`
}
