// Package forward is the gateway's request path: from an admitted request to
// the last byte of its answer.
//
//	body read → a ready sidecar? ──yes──→ sent → answer, piece by piece
//	               ↑        │ no           │ no byte yet, and the sidecar is away, closes
//	               │        ↓              │ its gate or dies: on to another, or wait
//	               └──── waits ←───────────┤
//	                       │ budget spent  │ bytes sent, and the sidecar dies:
//	                       ↓               ↓
//	              the sidecar's own 503    an error line, and the connection aborted
//
// A request whose connection was refused was not sent and may go anywhere; one
// that was sent and not answered goes on only if it is inference or only reads:
// once from a sidecar that lives, for an Ollama has seen it then, and from the
// third sidecar that dies with it no further. A relay sends one that its Ollama
// did not answer once more, which the gateway hears of only in a refusal, so
// while all sidecars live a request reaches an Ollama three times at most: twice
// behind the first, whose gate closes over the second, and once behind the other.
//
// Waiting for a gate and for a relay that restarts spend one budget, and the
// relay is told what is left.
//
// The package does not look into answers and knows nothing of keys, policies
// or health: package gateway and package balance do.
package forward
