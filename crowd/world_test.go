package crowd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is a server of a crowd, over pipes that have addresses, in virtual time.
type world struct {
	*testing.T
	*port
	room Room
}

// inWorld runs a test with a server for so many connections. It answers at once,
// but to /hold: that one is in hand until its client leaves.
func inWorld(t *testing.T, connections int, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, port: &port{make(chan net.Conn), make(chan struct{}), sync.Once{}}}
		server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
		ended := make(chan error, 1)
		go func() {
			ended <- Serve(server, w.port, Config{Connections: connections, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		}()
		run(w)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(time.Second) // net/http lingers half a second after refusing a body
	})
}

func (w *world) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	guest, err := w.room.Enter(request, "somebody", func() {})
	if err != nil {
		http.Error(writer, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer guest.Leave()
	switch request.URL.Path {
	case "/hold":
		<-request.Context().Done()
	case "/echo":
		text, _ := io.ReadAll(request.Body)
		_, _ = writer.Write(text)
		return
	}
	fmt.Fprint(writer, "hello")
}

// client is one connection.
type client struct {
	net.Conn
	answers *bufio.Reader
}

// from opens a connection from an address and sends something.
func (w *world) from(address, text string) client {
	w.Helper()
	near, far := net.Pipe()
	select {
	case w.connections <- addressed{far, &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}:
	case <-time.After(time.Minute):
		w.Fatal("not accepted within a minute")
	}
	w.Cleanup(func() { near.Close() })
	c := client{near, bufio.NewReader(near)}
	if text != "" { // a pipe waits for a reader of nothing, too
		c.say(text)
	}
	synctest.Wait()
	return c
}

func (c client) say(text string) {
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(c, text)
}

// open says that the other side has neither closed the connection nor answered.
func (c client) open() bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.answers.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// status is that of the next answer, or 0.
func (c client) status() int {
	status, _ := c.answer()
	return status
}

func (c client) body() string {
	_, body := c.answer()
	return body
}

func (c client) answer() (status int, body string) {
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return 0, ""
	}
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

const (
	get  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	hold = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
	half = "GET / HTTP/1.1\r\nHost: x\r\n"
)

type port struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (p *port) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *port) Close() error { p.once.Do(func() { close(p.closed) }); return nil }
func (*port) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

type addressed struct {
	net.Conn
	peer net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.peer }

// request is one that a room is asked for, with a context of its own.
func request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
