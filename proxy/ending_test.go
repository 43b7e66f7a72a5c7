package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wrapped hides what its connection can do, as a listener that counts does.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return wrapped{conn}, err
}

// exchange sends a request's bytes and gives all that comes back.
func exchange(t *testing.T, address, request string) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

func TestOnlyAnEndThatNothingElseShowsIsAReset(t *testing.T) {
	for name, c := range map[string]struct {
		protocol, length string
		end, reset       bool
	}{
		"a cut answer without a length":     {"1.0", "", false, true},
		"a whole one":                       {"1.0", "", true, false},
		"a cut answer with a length":        {"1.0", "100", false, false}, // it is short
		"a cut answer in chunks":            {"1.1", "", false, false},    // the last one is missing
		"a whole one in chunks":             {"1.1", "", true, false},
		"a cut answer of HTTP/1.1, counted": {"1.1", "100", false, false},
	} {
		for _, wraps := range []bool{false, true} {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.length != "" {
					w.Header().Set("Content-Length", c.length)
				}
				ended := ResetUntil(r, w.Header())
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				if !c.end {
					time.Sleep(50 * time.Millisecond) // a client that has read the half must see the rest of it
					panic(http.ErrAbortHandler)
				}
				ended()
			}))
			server.Config.ConnContext = KeepConnection
			if wraps {
				server.Listener = wrapping{server.Listener}
			}
			server.Start()
			text, err := exchange(t, server.Listener.Addr().String(), fmt.Sprintf("GET / HTTP/%s\r\nHost: x\r\nConnection: close\r\n\r\n", c.protocol))
			if reset := errors.Is(err, syscall.ECONNRESET); reset != c.reset || !strings.Contains(text, "half") {
				t.Errorf("%s: %q %v", name, text, err)
			}
			server.Close()
		}
	}
}

func TestAServerThatEndsAtOnceResetsToo(t *testing.T) {
	begun, over := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ResetUntil(r, w.Header())
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		close(begun)
		<-over
	}))
	server.Config.ConnContext = KeepConnection
	server.Start()
	defer server.Close()
	defer close(over)
	go func() {
		<-begun
		server.Config.Close()
	}()
	if text, err := exchange(t, server.Listener.Addr().String(), "GET / HTTP/1.0\r\n\r\n"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q %v", text, err)
	}
}
