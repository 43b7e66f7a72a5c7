package crowd

import "cmp"

// What each takes at most, in bytes, with what the collector leaves behind it
// (measured: go test -run '^$' -bench Memory ./gateway).
const (
	// connectionBytes is a connection; headerShare is how many times the longest
	// header is added, of one that has not ended: 48 KiB with 16.
	connectionBytes = 16 << 10
	headerShare     = 2
	// requestBytes is what is added when the request is in hand: the connection to
	// the next hop, the buffers of the answer, and requestHeaderShare times its
	// header, which is read and made anew: 80 KiB with 16.
	requestBytes       = 16 << 10
	requestHeaderShare = 4
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
type Limits struct {
	Connections, Requests int
	HeaderBytes           int // of a request's header
}

// Within fills in what is 0, for the resources that there are, of whose memory
// bodies have a part, in bytes. A quarter of it is the collector's: what is no
// longer used, and not collected yet. Half of the rest is for connections, half
// for requests. A request has a second file, to the next proxy. There are always
// more connections than requests, so that there is one to close for a new one.
func (l Limits) Within(have Resources, bodies int64) Limits {
	l.HeaderBytes = cmp.Or(l.HeaderBytes, headerBytes)
	connection, request := connectionBytes+headerShare*l.HeaderBytes, requestBytes+requestHeaderShare*l.HeaderBytes
	half := (have.Memory/4*3 - ownBytes - bodies) / 2
	files := have.Files - ownFiles
	if l.Requests <= 0 {
		l.Requests = max(leastRequests, min(int(half/int64(request)), files/3))
		if l.Connections > 0 {
			l.Requests = max(1, min(l.Requests, l.Connections/2))
		}
	}
	if l.Connections <= 0 {
		l.Connections = max(leastConnections, min(int(half/int64(connection)), files-l.Requests), l.Requests+l.Requests/2+1)
	}
	return l
}
