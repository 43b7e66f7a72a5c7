package admin

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/serve"
)

// single is a listener with one connection.
type single struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (s single) Accept() (net.Conn, error) {
	select {
	case conn := <-s.connections:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s single) Close() error { close(s.closed); return nil }
func (single) Addr() net.Addr { return &net.TCPAddr{} }

func TestAnAnnouncedBodyThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	for _, line := range []string{"GET /", "GET /metrics", "GET /-/status", "POST /-/status", "POST /-/restart", "PUT /-/pause", "DELETE /nothing"} {
		for _, head := range []string{"Content-Length: 10", "Content-Length: 1000000000", "Transfer-Encoding: chunked"} {
			synctest.Test(t, func(t *testing.T) {
				config := quiet()
				config.Control, config.Token = &control{}, "s3cret"
				server := serve.New(New(config), slog.New(slog.DiscardHandler))
				listener := single{make(chan net.Conn, 1), make(chan struct{})}
				near, far := net.Pipe()
				listener.connections <- far
				go server.Serve(listener)
				began := time.Now()
				go fmt.Fprintf(near, "%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n%s\r\n\r\n", line, head)
				reader := bufio.NewReader(near)
				answer, err := http.ReadResponse(reader, nil)
				if err != nil || time.Since(began) != 0 {
					t.Errorf("%s, %s: answered after %v: %v", line, head, time.Since(began), err)
				} else if _, err := io.Copy(io.Discard, answer.Body); err != nil {
					t.Error(err)
				}
				if n, err := reader.Read(make([]byte, 1)); n != 0 || err == nil || time.Since(began) > bodyTimeout+time.Second {
					t.Errorf("%s, %s: closed after %v: %v", line, head, time.Since(began), err)
				}
				near.Close()
				server.Close()
				time.Sleep(time.Second) // net/http lingers
			})
		}
	}
}
