package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// errUnsent is in the error of a request that broke off while it was being sent.
var errUnsent = errors.New("cannot send the request")

// Unsent says that a request broke off, without an answer, before it was sent whole.
// That shows less than silence after it: whoever answers early may close the
// connection over what is still being sent, and the answer may be lost with it.
func Unsent(err error) bool { return errors.Is(err, errUnsent) }

// closedOverIt says that the other side has closed a connection that is written to.
// What it has said before is still to be read.
func closedOverIt(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// patiently makes connections on which a write that fails does not end the wait for
// the answer, as http.Transport would have it.
func patiently(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patient{Conn: conn, closed: make(chan struct{})}, nil
	}
}

type patient struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

// Write waits, where the other side has closed the connection, until this side has
// done so, too: the transport does when it has read the answer, or the end, which a
// connection that was closed has without fail.
func (p *patient) Write(data []byte) (int, error) {
	n, err := p.Conn.Write(data)
	if err != nil && closedOverIt(err) {
		<-p.closed
	}
	return n, err
}

func (p *patient) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Conn.Close()
}

// answerGrace is how long an answer is waited for after a write has failed. It is
// there already, if there is one.
const answerGrace = time.Second

// answeredEarly is the answer of a server that closed the connection over what it
// was sent; nil where there is none.
func (c *connection) answeredEarly(request *http.Request, failed error) *http.Response {
	if !closedOverIt(failed) || c.SetReadDeadline(time.Now().Add(answerGrace)) != nil {
		return nil
	}
	answer, err := c.readHeader(request)
	if err != nil {
		return nil // the failure tells more
	}
	_ = c.SetReadDeadline(time.Time{}) // what there is of its body is there, too
	answer.Close = true
	return answer
}

// watchSending tells whether the transport has read the request's body to its end.
// The request is the transport's own.
func watchSending(request *http.Request) (whole func() bool) {
	if request.Body == nil || request.Body == http.NoBody {
		return func() bool { return true }
	}
	var ended atomic.Bool
	request.Body = &watched{ReadCloser: request.Body, ended: &ended}
	if again := request.GetBody; again != nil {
		request.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			ended.Store(false)
			return &watched{ReadCloser: body, ended: &ended}, err
		}
	}
	return ended.Load
}

type watched struct {
	io.ReadCloser
	ended *atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err == io.EOF {
		w.ended.Store(true)
	}
	return n, err
}
