package forward

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/proxy"
)

// badly is a network on which every request is answered with the same piece, once
// or for ever.
func badly(piece string, endless bool) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			request, err := http.ReadRequest(bufio.NewReader(far))
			if err == nil {
				_, err = io.Copy(io.Discard, request.Body)
			}
			for more := true; more && err == nil; more = endless {
				_, err = io.WriteString(far, piece)
			}
		}()
		return near, nil
	}
}

func TestWhatCanBeNoAnswerIsRefusedAtOnce(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"042":        badly("HTTP/1.1 042 Odd\r\nContent-Length: 2\r\n\r\nok", false),
		"101":        badly("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", false),
		"103 always": badly("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", true),
	} {
		for kind, request := range map[string][2]string{
			"small": {"/api/chat", chatBody}, "large": {"/api/chat", strings.Replace(chatBody, "hello", strings.Repeat("x", 100<<10), 1)},
			"management": {"/api/pull", `{"model":"m"}`}, "streamed": {"/api/blobs/sha256:0", "hello"},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				transport := proxy.NewTransport(dial)
				inWorld(t, 2, func(c *Config) { c.Transport = transport }, func(w *world) {
					got := w.post(request[0], request[1], "Upgrade", "x", "Connection", "Upgrade")
					if got.status != http.StatusBadGateway || got.err != nil || got.took != 0 || !strings.Contains(got.body, "no HTTP answer") {
						t.Errorf("%+v", got)
					}
					if r := w.result(); r.Attempts != 1 || r.Refused != "bad_answer" {
						t.Errorf("%+v", r)
					}
					for _, report := range w.forwarder.config.Pool.Report() {
						if !report.Up {
							t.Errorf("put aside: %+v", report)
						}
					}
				})
			})
		}
	}
}
