package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// resetting answers every connection with the same bytes when it has read a header,
// and resets it over what it has not read.
func resetting(t *testing.T, answer string) (address string) {
	t.Helper()
	return accepting(t, func(connection net.Conn) {
		defer connection.Close()
		_, _ = http.ReadRequest(bufio.NewReader(connection))
		_, _ = io.WriteString(connection, answer)
		_ = connection.(*net.TCPConn).SetLinger(0)
	})
}

func send(t *testing.T, to string, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := NewTransport(nil).RoundTrip(request)
	if err == nil {
		t.Cleanup(func() { answer.Body.Close() })
	}
	return answer, err
}

func TestAnAnswerIsReadAlthoughTheRestCannotBeSent(t *testing.T) {
	address := resetting(t, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
	for name, body := range map[string]func() io.Reader{
		"without a length": func() io.Reader { return io.LimitReader(endless{}, 32<<20) },
		"in memory":        func() io.Reader { return strings.NewReader(strings.Repeat("x", 32<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				answer, err := send(t, address, body())
				if err != nil {
					t.Fatal(err)
				}
				if text, err := io.ReadAll(answer.Body); answer.StatusCode != http.StatusBadRequest || string(text) != "no" || err != nil {
					t.Errorf("%d %q %v", answer.StatusCode, text, err)
				}
			}
		})
	}
}

func TestARequestThatBrokeOffWhileItWasSentIsToldFromAServerThatDied(t *testing.T) {
	address := resetting(t, "")
	for range 10 {
		if _, err := send(t, address, io.LimitReader(endless{}, 32<<20)); err == nil || !Unsent(err) {
			t.Errorf("a large one: %v", err)
		}
	}
	if _, err := send(t, scripted(t, ""), io.LimitReader(endless{}, 10)); err == nil || Unsent(err) {
		t.Errorf("one that was read whole: %v", err)
	}
	if _, err := send(t, "http://127.0.0.1:1", io.LimitReader(endless{}, 10)); !NeverConnected(err) || Unsent(err) {
		t.Errorf("one that was never connected: %v", err)
	}
}

func TestTheLeanWayReadsAnAnswerAfterAFailedWrite(t *testing.T) {
	for answer, want := range map[string]bool{"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\nno": true, "": false} {
		via := NewTransport(nil)
		// The connection is reset before anything is written to it.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		_, _ = io.WriteString(far, answer)
		_ = far.(*net.TCPConn).SetLinger(0)
		far.Close()
		c := (&connection{Conn: conn}).prepared(via)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := via.exchange(c, request)
		switch {
		case want && (err != nil || got.StatusCode != 503 || !got.Close):
			t.Errorf("%v %v", got, err)
		case !want && (err == nil || !Unsent(err)):
			t.Errorf("without an answer: %v", err)
		}
		c.Close()
	}
}

func TestTheRestOfABodyIsReadForABoundedWhile(t *testing.T) {
	for name, c := range map[string]struct {
		every, want time.Duration
		pieces      int
	}{
		"one that ends":       {time.Second, 3 * time.Second, 3},
		"one that never ends": {time.Second, readOnTime, 1000},
		"a silent one":        {time.Hour, readOnIdle, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				body := &Body{Rest: near, Limit: func(d time.Duration) { _ = near.SetReadDeadline(time.Now().Add(d)) }}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for range c.pieces {
						time.Sleep(c.every)
						if _, err := far.Write([]byte("x")); err != nil {
							return
						}
					}
					far.Close()
				}()
				began := time.Now()
				body.ReadOn()
				if took := time.Since(began); took != c.want {
					t.Errorf("took %v, want %v", took, c.want)
				}
				if n, err := body.Reader().Read(make([]byte, 1)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
					t.Errorf("read after it: %d %v", n, err)
				}
				near.Close()
				far.Close()
				<-ended
			})
		})
	}
}

func TestAReadThatIsUnderWayIsWaitedForOnceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		busy := time.Duration(0)
		body := &Body{Rest: near, Limit: func(d time.Duration) {
			time.Sleep(busy)
			busy = 0
			_ = near.SetReadDeadline(time.Now().Add(d))
		}}
		ended := make(chan struct{})
		go func() { // as the transport does, with the limit of a body that is passed on
			defer close(ended)
			_, _ = body.Reader().Read(make([]byte, 1))
		}()
		synctest.Wait()
		began := time.Now()
		busy = 10 * time.Millisecond // the first deadline is a little late
		body.ReadOn()
		if took := time.Since(began); took > readOnIdle+time.Second {
			t.Errorf("took %v of a client that sends nothing", took)
		}
		<-ended
		near.Close()
		far.Close()
	})
}
