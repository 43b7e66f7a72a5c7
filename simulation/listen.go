package simulation

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// Serve answers on a real socket until ctx ends. While no server runs the
// socket is closed, so that the kernel refuses connections; then it is opened
// again on the same address.
func (w *World) Serve(ctx context.Context, listener net.Listener) error {
	address := listener.Addr()
	for ctx.Err() == nil {
		server := w.awaitServer(ctx)
		if server == nil {
			break
		}
		if listener == nil {
			var err error
			if listener, err = new(net.ListenConfig).Listen(ctx, address.Network(), address.String()); err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // it was asked to end
				}
				return fmt.Errorf("cannot open the simulated server's socket again: %w", err)
			}
		}
		serveUntil(ctx, server, listener)
		listener = nil
	}
	if listener != nil {
		_ = listener.Close()
	}
	return nil
}

// serveUntil serves on the listener until the server or ctx ends, and closes it.
func serveUntil(ctx context.Context, server *server, listener net.Listener) {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	_ = server.http.Serve(listener) // it only ever says why it ended
	select {
	case <-server.ctx.Done():
	case <-ctx.Done():
	}
}

// awaitServer returns the next server that listens, or nil when ctx ends first.
func (w *World) awaitServer(ctx context.Context) *server {
	for {
		w.mu.Lock()
		server, changed := w.server, w.changed
		up := server != nil && server.listening
		w.mu.Unlock()
		if up {
			return server
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// Dial connects to the server without a socket, whatever the name: a DialContext
// for a testing/synctest bubble. Of the container's network only its own address
// leads there. While no server listens the connection is refused; a frozen one
// accepts it, as the kernel's backlog does.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	server := w.server
	up := server != nil && server.listening && w.address.leads(address)
	w.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if !up {
		return nil, refused
	}
	near, far := net.Pipe()
	select {
	case server.pipes.conns <- addressed{far}:
		return addressed{near}, nil
	case <-server.pipes.done:
		return nil, refused
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot dial %s: %w", address, ctx.Err())
	}
}

// pipeListener accepts the far ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return loopback(11434) }

// addressed gives a pipe the addresses that code expects of a connection: those of
// two hosts.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return loopback(40000) }
func (addressed) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 40000} }

func loopback(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
