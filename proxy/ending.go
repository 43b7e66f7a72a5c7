package proxy

import (
	"context"
	"net"
	"net/http"
)

// connectionKey is where a request's context has the client's connection.
type connectionKey struct{}

// KeepConnection is for the ConnContext of a server whose answers [ResetUntil]
// looks after.
func KeepConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// ResetUntil looks after an answer whose end is shown by nothing but the end of
// the connection: one without a length to a client that speaks HTTP/1.0, which has
// no chunks. Until ended is called, the connection ends with a reset, whoever ends
// it, the kernel after this process's death, too: a cut answer never looks
// complete. It is called before the header is written, with that header.
func ResetUntil(request *http.Request, header http.Header) (ended func()) {
	conn := lingering(request.Context().Value(connectionKey{}))
	if request.ProtoAtLeast(1, 1) || header.Get("Content-Length") != "" || conn == nil {
		return func() {}
	}
	_ = conn.SetLinger(0)                    // a connection that is closed has no end to show
	return func() { _ = conn.SetLinger(-1) } // the same
}

// lingerer is what a TCP connection can do.
type lingerer interface{ SetLinger(seconds int) error }

// lingering finds the TCP connection under whatever is wrapped around it.
func lingering(conn any) lingerer {
	for {
		switch c := conn.(type) {
		case lingerer:
			return c
		case interface{ NetConn() net.Conn }: // as tls.Conn has it
			conn = c.NetConn()
		default:
			return nil
		}
	}
}
