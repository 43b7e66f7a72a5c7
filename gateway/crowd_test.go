package gateway

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/serve"
)

// On real sockets, whose buffers decide how much an unread answer takes.
func TestStuckReadersAndIdleConnectionsHinderNobody(t *testing.T) {
	const idle, stuck, most = 2000, 50, 64 << 20
	var written atomic.Int64
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { endless(w, r, &written) }))
	t.Cleanup(sidecar.Close)
	address, client := serveReal(t, sidecar.URL)

	before := heap()
	for range idle {
		connect(t, address)
	}
	for range stuck {
		connection := connect(t, address)
		if _, err := io.WriteString(connection, "POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReaderSize(connection, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err) // and no more is read
		}
	}
	for range 100 {
		answer, err := client.Post("http://"+address+"/api/chat", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || string(text) != "{\"done\":true}\n" {
			t.Fatalf("%d %q, %v", answer.StatusCode, text, err)
		}
	}
	t.Logf("%d MiB of answers written, %d MiB more in memory", written.Load()>>20, int64(heap()-before)>>20)
	if grown := int64(heap()) - int64(before); grown > most {
		t.Errorf("%d idle connections and %d stuck readers take %d MiB", idle, stuck, grown>>20)
	}
}

// endless answers /api/chat at once, and all else until the client leaves.
func endless(w http.ResponseWriter, r *http.Request, written *atomic.Int64) {
	switch r.URL.Path {
	case "/-/ready":
		io.WriteString(w, `{"ready":true,"state":"ready"}`)
		return
	case "/api/chat":
		io.WriteString(w, "{\"done\":true}\n")
		return
	}
	piece := []byte(strings.Repeat("x", 32<<10))
	for r.Context().Err() == nil {
		n, err := w.Write(piece)
		written.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// serveReal runs a gateway on a port of this machine until the test ends.
func serveReal(t testing.TB, sidecar string) (address string, client *http.Client) {
	t.Helper()
	settings := config.Default()
	settings.Listen, settings.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	u, err := url.Parse(sidecar)
	if err != nil {
		t.Fatal(err)
	}
	settings.Sidecars = config.Sidecars{u}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	listeners, err := Listen(ctx, settings)
	if err != nil {
		t.Fatal(err)
	}
	g := New(Parts{Config: settings, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, listeners) }()
	transport := &http.Transport{}
	t.Cleanup(func() { // after the connections are closed
		transport.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listeners.Door.Addr().String(), &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func connect(t testing.TB, address string) net.Conn {
	t.Helper()
	connection, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

func TestTheDoorAndTheAdminListenerLimitTheirConnections(t *testing.T) {
	for name, address := range map[string]string{"door": "door:80", "admin": "admin:80"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []string{"CLAWGATE_GATEWAY_MAX_CONNECTIONS=20", "CLAWGATE_GATEWAY_MAX_REQUESTS=2"}, func(w *world) {
				var opened []net.Conn
				for range serve.AdminConnections + 20 {
					connection, err := w.dial(w.Context(), "tcp", address)
					if err != nil {
						t.Fatal(err)
					}
					defer connection.Close()
					io.WriteString(connection, "GET /-/ready HTTP/1.1\r\n")
					opened = append(opened, connection)
				}
				if _, err := opened[0].Read(make([]byte, 1)); err == nil {
					t.Error("the first was answered")
				}
				last := opened[len(opened)-1]
				go io.WriteString(last, "Host: localhost\r\n\r\n")
				answer, err := http.ReadResponse(bufio.NewReader(last), nil)
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("the last: %+v, %v", answer, err)
				}
			})
		})
	}
}
