package sidecar_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

// pipeListener accepts connections that are pipes in memory, which a bubble of
// virtual time can see through.
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

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipeListener) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- addressed{far}:
		return addressed{near}, nil
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// client talks to whoever serves on the listener.
//
// It lets go of an idle connection before the server does: two ends that act in the
// same virtual instant would cut a request now and then, which net/http does not send
// again when it is a POST.
func (l *pipeListener) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 10, IdleConnTimeout: 7 * time.Second}}
}

// addressed gives a pipe the address that code expects of a connection.
type addressed struct{ net.Conn }

func (addressed) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 1} }
func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

// oddity stands between the sidecar and the simulated server. It notes unloads,
// and it can answer in the server's place what no Ollama would.
type oddity struct {
	world   *simulation.World
	engine  *recorder
	server  *http.Server
	front   *pipeListener
	handler atomic.Pointer[http.HandlerFunc]
	strange atomic.Bool
	// nobody says that nobody listens where the sidecar looks for the server.
	nobody atomic.Bool
}

func newOddity(world *simulation.World, engine *recorder) *oddity {
	o := &oddity{world: world, engine: engine, front: newPipeListener()}
	o.server = &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if handler := o.handler.Load(); handler != nil {
				(*handler)(w, r)
				return
			}
			o.world.ServeHTTP(w, r)
		})}
	go func() { _ = o.server.Serve(o.front) }()
	return o
}

func (o *oddity) close() { _ = o.server.Close() }

// inPlace lets handler answer in the server's place, on new connections. The
// old ones stay with the server. A nil handler gives the place back.
func (o *oddity) inPlace(handler http.HandlerFunc) {
	o.strange.Store(true)
	if handler == nil {
		o.handler.Store(nil)
		return
	}
	o.handler.Store(&handler)
}

func (o *oddity) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if o.nobody.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	dial := o.world.Dial
	if o.strange.Load() {
		dial = o.front.dial
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return watched{conn, o.engine}, nil
}

// watched notes the unloads that go through a connection.
type watched struct {
	net.Conn
	engine *recorder
}

func (w watched) Write(piece []byte) (int, error) {
	if bytes.Contains(piece, []byte(`"keep_alive":0}`)) {
		w.engine.note("unload")
	}
	return w.Conn.Write(piece)
}
