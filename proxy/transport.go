package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// leanBody is the largest body that is written in one go before the answer
	// is read: it fits the socket's buffers, so that a server that answers
	// early cannot block it.
	leanBody = 64 << 10
	// maxHeader bounds an answer's header, in bytes.
	maxHeader   = 1 << 20
	maxIdle     = 64
	idleTimeout = 60 * time.Second
)

// Transport carries requests to the next proxy. It has no limit on connections,
// which its user decides, and none on the time to an answer's header, which
// Ollama sends with the first token. It is safe for use by any number of
// goroutines.
//
// A small request whose body is in memory, which is almost every one, goes over
// a connection that the calling goroutine itself writes and reads. That spares
// the two goroutines and the buffer that http.Transport has for every
// connection: about a quarter of an open stream's memory. All others use
// http.Transport.
type Transport struct {
	general *http.Transport
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	readers sync.Pool // *bufio.Reader
	writers sync.Pool // *bufio.Writer

	mu   sync.Mutex
	idle []*connection // the one that was used last at the end
}

// NewTransport makes a transport that connects with dial; nil for a plain dialer.
func NewTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	return &Transport{dial: dial, general: &http.Transport{
		DialContext: patiently(dial), MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTimeout,
		DisableCompression: true, // what the client asked for is what Ollama is asked for
	}}
}

// RoundTrip implements http.RoundTripper. Its user sets GetBody for bodies that
// are in memory, and never for upgrades. The error is ErrNoAnswer for what can be
// no answer to anything.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	send := t.leanly
	if request.URL.Scheme != "http" || request.GetBody == nil || request.ContentLength > leanBody {
		send = t.generally
	}
	answer, err := send(request)
	if err != nil {
		return nil, err
	}
	if err := checkStatus(answer, request); err != nil {
		_ = answer.Body.Close() // with its connection
		return nil, err
	}
	return answer, nil
}

func (t *Transport) generally(request *http.Request) (*http.Response, error) {
	request = limitInterim(request)
	whole := watchSending(request)
	answer, err := t.general.RoundTrip(request)
	if err != nil && !NeverConnected(err) && !whole() {
		err = fmt.Errorf("%w: %w", errUnsent, err)
	}
	return answer, err
}

func (t *Transport) leanly(request *http.Request) (*http.Response, error) {
	c, err := t.connection(request)
	if err != nil {
		return nil, err
	}
	// To close it is what ends a read or write that the caller has given up.
	stop := context.AfterFunc(request.Context(), func() { c.Close() })
	answer, err := t.exchange(c, request)
	if err != nil {
		stop()
		t.discard(c)
		return nil, err
	}
	answer.Body = &answerBody{body: answer.Body, transport: t, connection: c, stop: stop, reusable: !answer.Close}
	return answer, nil
}

func (t *Transport) exchange(c *connection, request *http.Request) (*http.Response, error) {
	writer, kept := t.writers.Get().(*bufio.Writer)
	if !kept {
		writer = bufio.NewWriter(nil)
	}
	writer.Reset(c)
	err := request.Write(writer)
	if err == nil {
		err = writer.Flush()
	}
	writer.Reset(nil)
	t.writers.Put(writer)
	if err == nil {
		return c.readHeader(request)
	}
	if answer := c.answeredEarly(request, err); answer != nil {
		return answer, nil
	}
	return nil, fmt.Errorf("%w: %w", errUnsent, err)
}

// connection takes an idle connection that is still open, or makes one.
func (t *Transport) connection(request *http.Request) (*connection, error) {
	for c := t.takeIdle(request.URL.Host); c != nil; c = t.takeIdle(request.URL.Host) {
		if time.Since(c.idleSince) < idleTimeout && stillOpen(c.Conn) {
			return c.prepared(t), nil
		}
		c.Close()
	}
	ctx, done := context.WithTimeout(request.Context(), dialTimeout)
	defer done()
	conn, err := t.dial(ctx, "tcp", withPort(request.URL.Host))
	if err != nil {
		return nil, err
	}
	return (&connection{Conn: conn, address: request.URL.Host}).prepared(t), nil
}

func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, "80")
}

// takeIdle takes the connection to an address that was used last, or to any
// address when it is empty.
func (t *Transport) takeIdle(address string) *connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.idle) - 1; i >= 0; i-- {
		if c := t.idle[i]; address == "" || c.address == address {
			t.idle = slices.Delete(t.idle, i, i+1)
			return c
		}
	}
	return nil
}

// keep puts a connection by whose answer was read to its end.
func (t *Transport) keep(c *connection) {
	c.release(t)
	c.idleSince = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) >= maxIdle {
		c.Close()
		return
	}
	t.idle = append(t.idle, c)
}

func (t *Transport) discard(c *connection) {
	c.Close()
	c.release(t)
}

// CloseIdleConnections makes the next requests look the address up anew.
func (t *Transport) CloseIdleConnections() {
	t.general.CloseIdleConnections()
	for c := t.takeIdle(""); c != nil; c = t.takeIdle("") {
		c.Close()
	}
}

// connection is one connection to the next hop, for one request at a time.
type connection struct {
	net.Conn
	address   string
	reader    *bufio.Reader // only while a request is on it
	allowed   int64         // how much may still be read
	idleSince time.Time
}

func (c *connection) Read(p []byte) (int, error) {
	if c.allowed <= 0 {
		return 0, errors.New("the answer's header is too long")
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.allowed)])
	c.allowed -= int64(n)
	return n, err
}

func (c *connection) prepared(t *Transport) *connection {
	reader, kept := t.readers.Get().(*bufio.Reader)
	if !kept {
		reader = bufio.NewReader(nil)
	}
	reader.Reset(c)
	c.reader = reader
	return c
}

func (c *connection) release(t *Transport) {
	c.reader.Reset(nil)
	t.readers.Put(c.reader)
	c.reader = nil
}

func (c *connection) readHeader(request *http.Request) (*http.Response, error) {
	c.allowed = maxHeader
	for range maxInterim + 1 {
		answer, err := http.ReadResponse(c.reader, request)
		if err != nil {
			return nil, fmt.Errorf("cannot read the answer's header: %w", err)
		}
		if !isInterim(answer.StatusCode) {
			c.allowed = math.MaxInt64
			return answer, nil
		}
	}
	return nil, errInterim
}

// answerBody gives its connection back at the body's end.
type answerBody struct {
	body       io.Reader
	transport  *Transport
	connection *connection
	stop       func() bool
	reusable   bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.connection == nil {
		return 0, io.EOF
	}
	n, err := b.body.Read(p)
	if err != nil {
		b.end(err == io.EOF)
	}
	return n, err
}

// Close ends the request, read to its end or not.
func (b *answerBody) Close() error {
	if b.connection != nil {
		b.end(false)
	}
	return nil
}

func (b *answerBody) end(whole bool) {
	c := b.connection
	b.connection = nil
	// A stop that comes too late means that the connection is being closed.
	if b.stop() && whole && b.reusable && c.reader.Buffered() == 0 {
		b.transport.keep(c)
		return
	}
	b.transport.discard(c)
}

// NeverConnected says that not a byte can have reached the next proxy.
func NeverConnected(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
