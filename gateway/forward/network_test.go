package forward

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// port is a port of a network that is net.Pipe, which a bubble can tell is
// idle; real sockets it cannot.
type port struct {
	away        atomic.Bool // connections are refused
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once

	mu   sync.Mutex
	open []net.Conn
}

func newPort() *port { return &port{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (p *port) Accept() (net.Conn, error) {
	select {
	case connection := <-p.connections:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *port) Close() error { p.once.Do(func() { close(p.closed) }); return nil }
func (*port) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *port) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if p.away.Load() {
		return nil, refused
	}
	near, far := net.Pipe()
	p.mu.Lock()
	p.open = append(p.open, far)
	p.mu.Unlock()
	select {
	case p.connections <- addressed{far}:
		return near, nil
	case <-p.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// die is the end of the process behind the port.
func (p *port) die() {
	p.away.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, connection := range p.open {
		connection.Close()
	}
	p.open = nil
}

func (p *port) serve(handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(p)
	return func() {
		server.Close()
		time.Sleep(time.Second) // net/http lingers half a second after refusing a body
	}
}

// addressed gives a pipe the address of a client.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
