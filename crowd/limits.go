package crowd

// What each takes at most, in bytes, with what the collector leaves behind it
// (measured: go test -run '^$' -bench Memory ./gateway).
const (
	// connectionBytes is a connection with a header of 16 KiB that has not ended.
	connectionBytes = 48 << 10
	// requestBytes is what is added when the request is in hand: its header read
	// and made anew, the connection to the next hop, the buffers of the answer.
	requestBytes = 112 << 10
	// ownBytes is the program itself.
	ownBytes = 24 << 20
)

// The least that is let in, however little memory there is.
const (
	leastConnections = 128
	leastRequests    = 32
)

// Limits are how many connections, and how many requests in hand, there may be;
// 0 for as many as fit.
type Limits struct{ Connections, Requests int }

// Within fills in what is 0, for so much memory (in bytes) of which bodies have
// a part. A quarter of it is the collector's: what is no longer used, and not
// collected yet. Half of the rest is for connections, half for requests. There
// are always more connections than requests, so that there is one to close for
// a new one.
func (l Limits) Within(memory, bodies int64) Limits {
	half := (memory/4*3 - ownBytes - bodies) / 2
	if l.Requests <= 0 {
		l.Requests = max(leastRequests, int(half/requestBytes))
		if l.Connections > 0 {
			l.Requests = max(1, min(l.Requests, l.Connections/2))
		}
	}
	if l.Connections <= 0 {
		l.Connections = max(leastConnections, int(half/connectionBytes), 2*l.Requests)
	}
	return l
}
