package crowd

import (
	"container/list"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// serverBuffer is what net/http reads of a connection at once.
	serverBuffer = 4 << 10
	// aheadBytes is how much of that it gets of a body: it may be the next
	// request's header, at which nobody has looked.
	aheadBytes = 512
	// refusalTime is how long a client may take to read why it is refused. It
	// counts to its address for as long.
	refusalTime = 500 * time.Millisecond
)

// conn is a client's connection. It follows each request's header as it passes,
// and lets the server read no further, so that no header takes much more memory
// than it has bytes.
type conn struct {
	net.Conn
	crowd *crowd
	from  string // the address that it counts to; empty for a trusted proxy's

	begins   atomic.Bool // what is read next is a header's beginning
	inHeader bool        // until the server says that it has read it
	header   header
	rest     []byte // was read, and the server has not got it yet

	// Guarded by crowd.mu.
	place         *list.Element // among those that may be closed
	told, counted bool
}

// Read is called by one goroutine at a time.
func (c *conn) Read(p []byte) (int, error) {
	if c.begins.Swap(false) {
		c.inHeader, c.header = true, header{}
	}
	kept := c.rest
	n := copy(p, kept)
	if n == 0 {
		var err error
		if n, err = c.Conn.Read(p); n == 0 {
			return 0, err
		}
	}
	now := n
	switch {
	case c.inHeader:
		now = c.header.follow(p[:n])
		if c.header.tooLong(c.crowd.config.HeaderBytes) {
			return 0, c.refuse("431 Request Header Fields Too Large")
		}
	case len(p) <= serverBuffer: // longer is a piece of a body, and never too long
		now = min(n, aheadBytes)
	}
	switch {
	case now < len(kept):
		c.rest = kept[now:]
	case now < n:
		c.rest = slices.Clone(p[now:n])
	default:
		c.rest = nil
	}
	return now, nil
}

// refuse answers instead of the server, which takes the error for the client's
// leaving and adds nothing.
func (c *conn) refuse(status string) error {
	c.say(status, "")
	_ = c.CloseWrite() // the deadline ends it otherwise
	_ = c.SetReadDeadline(time.Now().Add(refusalTime))
	_, _ = io.CopyN(io.Discard, c.Conn, 256<<10) // or the refusal would be lost with what was not read
	return &net.OpError{Op: "read", Net: "tcp", Err: errors.New(status)}
}

func (c *conn) say(status, more string) {
	_ = c.SetWriteDeadline(time.Now().Add(refusalTime))
	_, _ = io.WriteString(c.Conn, "HTTP/1.1 "+status+"\r\n"+more+"Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+status) // it may be gone
}

// Close is called by the server when it has done with the connection.
func (c *conn) Close() error {
	c.crowd.leave(c)
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer whose request it does not read to its end.
func (c *conn) CloseWrite() error {
	if half, can := c.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

// NetConn is the connection below, for those who need more of it than net.Conn has.
func (c *conn) NetConn() net.Conn { return c.Conn }

// changed follows the server's own view of the connection.
func changed(connection net.Conn, state http.ConnState) {
	c, ours := connection.(*conn)
	if !ours {
		return
	}
	switch state {
	case http.StateActive: // the header has been read, perhaps with the request before
		c.begins.Store(false)
		c.inHeader = false
		c.crowd.touch(c)
	case http.StateIdle:
		c.begins.Store(true)
		c.crowd.touch(c)
	default:
	}
}
