package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway/config"
)

// runs gives the address of a gateway on real sockets, in front of a sidecar that
// answers as said.
func runs(t *testing.T, answer http.HandlerFunc) (door string) {
	t.Helper()
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/ready" {
			_, _ = io.WriteString(w, `{"ready":true,"state":"ready"}`)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(sidecar.Close)
	c, err := config.Load([]string{"CLAWGATE_GATEWAY_LISTEN=127.0.0.1:0", "CLAWGATE_GATEWAY_ADMIN_LISTEN=127.0.0.1:00", "CLAWGATE_GATEWAY_SIDECARS=" + sidecar.URL})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	g := New(Parts{Config: c, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Version: "test"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, listeners) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listeners.Door.Addr().String()
}

func TestACutAnswerToHTTP10NeverLooksComplete(t *testing.T) {
	type script struct {
		kind, length string
		whole        bool
	}
	var current atomic.Pointer[script]
	door := runs(t, func(w http.ResponseWriter, _ *http.Request) {
		now := current.Load()
		w.Header().Set("Content-Type", now.kind)
		if now.length != "" {
			w.Header().Set("Content-Length", now.length)
		}
		_, _ = io.WriteString(w, `{"message":{}`)
		w.(http.Flusher).Flush()
		if !now.whole {
			time.Sleep(100 * time.Millisecond) // what has come is passed on before
			panic(http.ErrAbortHandler)
		}
	})
	for name, c := range map[string]struct {
		kind, length string
		whole, reset bool
		said         string
	}{
		"JSON without a length":       {kind: "application/json", reset: true},
		"JSON with one":               {kind: "application/json", length: "100"}, // it is short, or not there
		"lines":                       {kind: "application/x-ndjson", said: `{"error":"the answer was cut`},
		"whole JSON without a length": {kind: "application/json", whole: true},
		"whole lines":                 {kind: "application/x-ndjson", whole: true},
	} {
		current.Store(&script{c.kind, c.length, c.whole})
		conn, err := net.Dial("tcp", door)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "POST /api/chat HTTP/1.0\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}")
		text, err := io.ReadAll(conn)
		if reset := errors.Is(err, syscall.ECONNRESET); reset != c.reset || !c.reset && err != nil || c.length == "" && !strings.Contains(string(text), `{"message":{}`) || !strings.Contains(string(text), c.said) {
			t.Errorf("%s: %q %v", name, text, err)
		}
		conn.Close()
	}
}
