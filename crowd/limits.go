package crowd

// What each takes at most, in bytes, with what the collector leaves behind it
// (measured: go test -run '^$' -bench Memory ./gateway).
const (
	// connectionBytes is a connection with a header of 16 KiB that has not ended.
	connectionBytes = 48 << 10
	// requestBytes is what is added when the request is in hand: its header read
	// and made anew, the connection to the next hop, the buffers of the answer.
	requestBytes = 80 << 10
	// ownBytes is the program itself.
	ownBytes = 24 << 20
	// ownFiles are its listeners, log, idle connections to the next hop and the like.
	ownFiles = 256
)

// The least that is let in, however little memory there is.
const (
	leastConnections = 128
	leastRequests    = 32
)

// Limits are how many connections, and how many requests in hand, there may be;
// 0 for as many as fit.
type Limits struct{ Connections, Requests int }

// Within fills in what is 0, for the resources that there are, of whose memory
// bodies have a part, in bytes. A quarter of it is the collector's: what is no
// longer used, and not collected yet. Half of the rest is for connections, half
// for requests. A request has a second file, to the next hop. There are always
// more connections than requests, so that there is one to close for a new one.
func (l Limits) Within(have Resources, bodies int64) Limits {
	half := (have.Memory/4*3 - ownBytes - bodies) / 2
	files := have.Files - ownFiles
	if l.Requests <= 0 {
		l.Requests = max(leastRequests, min(int(half/requestBytes), files/3))
		if l.Connections > 0 {
			l.Requests = max(1, min(l.Requests, l.Connections/2))
		}
	}
	if l.Connections <= 0 {
		l.Connections = max(leastConnections, min(int(half/connectionBytes), files-l.Requests), l.Requests+l.Requests/2+1)
	}
	return l
}
