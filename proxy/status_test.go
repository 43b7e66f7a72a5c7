package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// endlessly answers every connection with the same piece, again and again.
func endlessly(t *testing.T, piece string) (address string) {
	t.Helper()
	return accepting(t, func(connection net.Conn) {
		defer connection.Close()
		request, err := http.ReadRequest(bufio.NewReader(connection))
		if err == nil {
			_, err = io.Copy(io.Discard, request.Body)
		}
		for err == nil {
			_, err = io.WriteString(connection, piece)
		}
	})
}

func TestWhatCanBeNoAnswerIsAnErrorAtOnce(t *testing.T) {
	addresses := map[string]string{}
	for name, answer := range map[string]string{
		"000": "HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\nok", "042": "HTTP/1.1 042 Odd\r\n\r\nok", "099": "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
		"another protocol": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
	} {
		addresses[name] = scripted(t, answer)
	}
	addresses["endless hints"] = endlessly(t, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
	addresses["endless 100"] = endlessly(t, "HTTP/1.1 100 Continue\r\n\r\n")
	for name, address := range addresses {
		for way, request := range map[string]*http.Request{
			"lean": newRequest(t, address, "x", nil), "general": newRequest(t, address, strings.Repeat("x", leanBody+1), nil),
			"traced": newRequest(t, address, strings.Repeat("x", leanBody+1), func(int, textproto.MIMEHeader) error { return nil }),
		} {
			via := NewTransport(nil)
			answer, err := via.RoundTrip(request)
			if !errors.Is(err, ErrNoAnswer) || answer != nil || request.Context().Err() != nil {
				t.Errorf("%s, %s: %v %v", name, way, answer, err)
			}
			if c := via.takeIdle(""); c != nil {
				t.Errorf("%s, %s: the connection was kept", name, way)
			}
			via.CloseIdleConnections()
		}
	}
}

// newRequest ends the test's wait some time, and has its interim answers looked at
// as httputil.ReverseProxy does.
func newRequest(t *testing.T, address, body string, interim func(int, textproto.MIMEHeader) error) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	if interim != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: interim})
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestAFewInterimAnswersArePassedOver(t *testing.T) {
	const last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	for n, want := range map[int]bool{0: true, 1: true, maxInterim: true, maxInterim + 1: false} {
		address := scripted(t, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", n)+last)
		for _, size := range []int{1, leanBody + 1} {
			via := NewTransport(nil)
			got, err := ask(t, via, address, strings.Repeat("x", size))
			if (err == nil && got == "ok") != want {
				t.Errorf("%d: %q %v", n, got, err)
			}
			via.CloseIdleConnections()
		}
	}
}

func TestAProtocolThatWasAskedForIsSwitchedTo(t *testing.T) {
	address := scripted(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello")
	request := newRequest(t, address, "", nil)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "x")
	request.GetBody = nil // as the transport's user promises
	answer, err := NewTransport(nil).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != 101 || string(text) != "hello" {
		t.Errorf("%d %q", answer.StatusCode, text)
	}
}
