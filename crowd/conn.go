package crowd

import (
	"container/list"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// serverBuffer is what net/http reads of a connection at once.
	serverBuffer = 4 << 10
	// refusalTime is how long a client may take to read why it is refused. It
	// counts to its address for as long.
	refusalTime = 500 * time.Millisecond
)

// conn is a client's connection. It counts the lines of each request's header
// as they pass, so that no header takes much more memory than it has bytes.
type conn struct {
	net.Conn
	crowd *Crowd
	from  string // the address that it counts to; empty for a trusted proxy's

	begins   atomic.Bool // what is read next is a header's beginning
	served   atomic.Bool // a request, before
	inHeader bool
	header   header

	// Guarded by Crowd.mu.
	place         *list.Element // among those that may be closed
	told, counted bool
}

// Read is called by one goroutine at a time.
func (c *conn) Read(p []byte) (int, error) {
	if c.begins.Swap(false) {
		c.inHeader, c.header = true, header{}
		if c.served.Load() {
			// What the server holds of a request that was sent with the one before has
			// not been looked at. It counts as if it were all fields.
			c.header.lines = max(0, serverBuffer-len(p)) / shortestField
		}
	}
	if c.inHeader && c.header.tooLong() {
		return 0, c.refuse(tooLong)
	}
	n, err := c.Conn.Read(p)
	if c.inHeader {
		c.inHeader = !c.header.follow(p[:n])
		if c.header.tooLong() {
			return 0, c.refuse(tooLong)
		}
	}
	return n, err
}

const tooLong = "431 Request Header Fields Too Large"

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
		c.served.Store(true)
		c.begins.Store(true)
		c.crowd.touch(c)
	default:
	}
}
