package relay

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// On real sockets: a pipe cannot be reset.
func TestACutAnswerToHTTP10NeverLooksComplete(t *testing.T) {
	type script struct {
		kind   string
		status int
		whole  bool
	}
	var current atomic.Pointer[script]
	ollama := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		now := current.Load()
		w.Header().Set("Content-Type", now.kind)
		w.WriteHeader(now.status)
		_, _ = io.WriteString(w, `{"message":{"content":"`+strings.Repeat("x", 2*maxErrorBytes)+`"},"done":true`)
		w.(http.Flusher).Flush()
		if !now.whole {
			time.Sleep(100 * time.Millisecond) // what has come is passed on before
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "}\n")
	}))
	defer ollama.Close()
	upstream, err := url.Parse(ollama.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := proxy.NewTransport(nil)
	defer transport.CloseIdleConnections()
	relay := New(Config{Upstream: upstream, Transport: transport, QueueLength: 1, ReplayMaxBytes: 1 << 20, BufferMaxBytes: 1 << 20, FirstChunkTimeout: time.Minute})
	relay.SetGate(Gate{State: "ready"})
	door := httptest.NewUnstartedServer(relay)
	door.Config.ConnContext = proxy.KeepConnection // as the sidecar's server has it
	door.Start()
	defer door.Close()
	for name, c := range map[string]struct {
		path, kind   string
		status       int
		whole, reset bool
		said         string
	}{
		"a whole answer's half": {"/api/chat", "application/json", 200, false, true, ""},
		"an error's half":       {"/api/chat", "application/json", 400, false, true, ""},
		"passed on, half":       {"/api/show", "application/json", 200, false, true, ""},
		"lines":                 {"/api/chat", "application/x-ndjson", 200, false, false, `{"error":"the answer was cut`},
		"whole":                 {"/api/chat", "application/json", 200, true, false, "}\n"},
		"a whole error":         {"/api/chat", "application/json", 400, true, false, "}\n"},
		"whole lines":           {"/api/chat", "application/x-ndjson", 200, true, false, "}\n"},
		"passed on, whole":      {"/api/show", "application/json", 200, true, false, "}\n"},
	} {
		current.Store(&script{c.kind, c.status, c.whole})
		conn, err := net.Dial("tcp", door.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "POST "+c.path+" HTTP/1.0\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}")
		text, err := io.ReadAll(conn)
		if reset := errors.Is(err, syscall.ECONNRESET); reset != c.reset || !c.reset && err != nil || !strings.Contains(string(text), `{"message":{`) || !strings.Contains(string(text), c.said) {
			t.Errorf("%s: %.100q … %q %v", name, text, text[max(0, len(text)-100):], err)
		}
		conn.Close()
	}
}
