package gateway

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway/config"
)

// On real sockets: only those lose an answer to what is still being sent.
func TestWhoIsRefusedAtTheDoorReadsWhyAfterALargeBody(t *testing.T) {
	c, err := config.Load([]string{"CLAWGATE_GATEWAY_LISTEN=127.0.0.1:0", "CLAWGATE_GATEWAY_ADMIN_LISTEN=localhost:0", "CLAWGATE_GATEWAY_SIDECARS=http://127.0.0.1:1", keys})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	g := New(Parts{Config: c, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Version: "test"})
	go func() { ended <- g.Run(ctx, listeners) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for name, head := range map[string]string{"with a length": "Content-Length: 8388608\r\n\r\n", "chunked": "Transfer-Encoding: chunked\r\n\r\n800000\r\n"} {
		for range 4 {
			connection, err := net.Dial("tcp", listeners.Door.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
			_, err = io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n"+head+strings.Repeat(" ", 8<<20))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil || answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %v %v", name, answer, err)
			}
			connection.Close()
		}
	}
}
