package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// ask sends a small request with its body in memory, as the relay does.
func ask(t *testing.T, via *Transport, address, body string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := via.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func TestAConnectionServesOneRequestAfterTheOther(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "got %s", body)
		w.(http.Flusher).Flush()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	via := NewTransport(nil)
	defer via.CloseIdleConnections()
	for _, body := range []string{"one", strings.Repeat("x", leanBody), "three"} {
		if got, err := ask(t, via, server.URL, body); err != nil || got != "got "+body {
			t.Fatalf("%.20q %v", got, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for three requests", n)
	}
	server.CloseClientConnections()
	if got, err := ask(t, via, server.URL, "four"); err != nil || got != "got four" {
		t.Errorf("after the server closed it: %q %v", got, err)
	}
	if got, err := ask(t, via, server.URL, strings.Repeat("y", leanBody+1)); err != nil || len(got) != leanBody+5 {
		t.Errorf("a body of another size: %d bytes, %v", len(got), err)
	}
}

// scripted answers every connection with the same bytes.
func scripted(t *testing.T, answer string) (address string) {
	t.Helper()
	return accepting(t, func(connection net.Conn) {
		defer connection.Close()
		if request, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
			io.Copy(io.Discard, request.Body)
		}
		io.WriteString(connection, answer)
	})
}

func TestAnswersThatAreNotHTTPAreErrors(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":           "",
		"garbage":           "\x00\x01garbage\r\n\r\n",
		"half a header":     "HTTP/1.1 200 OK\r\nContent-Le",
		"half a chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
		"less than said":    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"an endless header": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader+1),
	} {
		t.Run(name, func(t *testing.T) {
			via := NewTransport(nil)
			defer via.CloseIdleConnections()
			if got, err := ask(t, via, scripted(t, answer), "x"); err == nil {
				t.Errorf("taken for an answer: %q", got)
			}
			if c := via.takeIdle(""); c != nil {
				t.Error("the connection was kept")
			}
		})
	}
}

func TestInformationalAnswersAreSkipped(t *testing.T) {
	via := NewTransport(nil)
	defer via.CloseIdleConnections()
	address := scripted(t, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	if got, err := ask(t, via, address, "x"); err != nil || got != "ok" {
		t.Errorf("%q %v", got, err)
	}
}

func TestARefusedConnectionIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	if _, err := ask(t, NewTransport(nil), "http://"+address, "x"); !NeverConnected(err) {
		t.Errorf("%v is not told from a lost request", err)
	}
}

func TestACancelledRequestClosesItsConnection(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := NewTransport(nil).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	cancel()
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("the answer ended as if it were whole")
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the server was not told")
	}
}
