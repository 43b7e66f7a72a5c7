//go:build e2e

package proxies

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/gateway"
	"github.com/clawdbot/clawgate/gateway/config"
)

// startGateway runs a gateway before a sidecar that answers as the handler does, and
// gives its address.
func startGateway(t *testing.T, sidecar http.HandlerFunc, environ ...string) string {
	t.Helper()
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/ready" {
			fmt.Fprint(w, `{"ready":true,"state":"ready","may_hold":true,"hold_max_ms":120000}`)
			return
		}
		sidecar(w, r)
	}))
	t.Cleanup(relay.Close)
	settings, err := config.Load(append(environ, "CLAWGATE_GATEWAY_SIDECARS="+relay.URL,
		"CLAWGATE_GATEWAY_TRUSTED_PROXIES=127.0.0.1", "CLAWGATE_GATEWAY_HOSTS="+name, "CLAWGATE_GATEWAY_ALLOW=inference,inspect,manage"))
	if err != nil {
		t.Fatal(err)
	}
	listeners := gateway.Listeners{Door: listen(t), Admin: listen(t)}
	g := gateway.New(gateway.Parts{Config: settings, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Version: "test"})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, listeners) }()
	t.Cleanup(func() {
		relay.CloseClientConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	door := listeners.Door.Addr().String()
	parts.Await(t, 10*time.Second, "the gateway to be ready", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+door+"/-/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return door
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
