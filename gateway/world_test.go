package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway/config"
)

const (
	chatBody = `{"model":"m","messages":[{"role":"user","content":"what was asked"}]}`
	keys     = "CLAWGATE_GATEWAY_API_KEYS=alice:aaaaaaaaaaaaaaaa,bob:bbbbbbbbbbbbbbbb"
	alice    = "Bearer aaaaaaaaaaaaaaaa"
)

// world is a gateway that runs in front of a sidecar that notes what reaches
// it, over pipes, in virtual time.
type world struct {
	*testing.T
	client      *http.Client
	door, admin port
	sidecar     port
	log         *lines
	stopRelay   func()        // the sidecar goes away
	stop        func()        // the gateway is to end
	hold        chan struct{} // an answer to /api/generate ends with it

	closed  atomic.Bool  // the sidecar says that it is not ready
	says    atomic.Value // what else it says of itself
	mu      sync.Mutex
	reached []*http.Request
	bodies  []string
}

// inWorld runs a test with a gateway that has these settings.
func inWorld(t *testing.T, environ []string, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := config.Load(append(environ, "CLAWGATE_GATEWAY_SIDECARS=http://10.0.0.1:18789"))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, door: newPort(), admin: newPort(), sidecar: newPort(), log: &lines{}}
		relay := &http.Server{Handler: http.HandlerFunc(w.relay), ErrorLog: log.New(io.Discard, "", 0)}
		go relay.Serve(w.sidecar)
		w.stopRelay = func() { relay.Close() }
		g := New(Parts{Config: c, Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Version: "test", Dial: w.sidecar.dial})
		w.hold = make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		w.stop = stop
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx, Listeners{Door: w.door, Admin: w.admin}) }()
		synctest.Wait()
		clients := &http.Transport{DialContext: w.dial}
		w.client = &http.Client{Transport: clients, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		run(w)
		clients.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.stopRelay()
		time.Sleep(time.Second) // net/http lingers half a second after refusing a body
	})
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if strings.HasPrefix(address, "admin:") {
		return w.admin.dial(ctx, network, address)
	}
	return w.door.dial(ctx, network, address)
}

func (w *world) relay(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/-/ready" {
		more, _ := w.says.Load().(string)
		if more != "" {
			more = "," + more
		}
		fmt.Fprintf(writer, `{"ready":%v,"state":"ready","may_hold":true,"hold_max_ms":120000%s}`, !w.closed.Load(), more)
		return
	}
	body, _ := io.ReadAll(request.Body)
	w.mu.Lock()
	w.reached = append(w.reached, request.Clone(context.Background()))
	w.bodies = append(w.bodies, string(body))
	w.mu.Unlock()
	writer.Header().Set("Content-Type", "application/x-ndjson")
	writer.Header().Set("Access-Control-Allow-Origin", "http://localhost:3000")
	writer.Header().Set("WWW-Authenticate", `Basic realm="ollama"`)
	writer.Header().Set("Location", "/api/elsewhere")
	if request.URL.Path == "/api/generate" {
		io.WriteString(writer, "{\"response\":\"one\"}\n")
		writer.(http.Flusher).Flush()
		<-w.hold
	}
	io.WriteString(writer, `{"message":"what was answered"}`)
}

// last is the request that reached the sidecar last, with its body.
func (w *world) last() (*http.Request, string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reached) == 0 {
		w.Fatal("nothing reached the sidecar")
	}
	return w.reached[len(w.reached)-1], w.bodies[len(w.bodies)-1]
}

// paths are those that reached the sidecar.
func (w *world) paths() (paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, request := range w.reached {
		paths = append(paths, request.Method+" "+request.URL.Path)
	}
	return paths
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(method, url, body string, headers ...string) reply {
	w.Helper()
	if strings.HasPrefix(url, "/") {
		url = "http://gateway" + url
	}
	request, err := http.NewRequestWithContext(w.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	request.Host = request.Header.Get("Host") // else that of the URL
	answer, err := w.client.Do(request)
	if err != nil {
		w.Errorf("%s %s: %v", method, url, err)
		return reply{}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Errorf("%s %s: %v", method, url, err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

func (w *world) chat(headers ...string) reply {
	w.Helper()
	return w.do(http.MethodPost, "/api/chat", chatBody, headers...)
}

// raw writes a request's bytes as they are, and gives all that comes back
// until the gateway closes the connection or has said nothing for a second.
func (w *world) raw(request string) string {
	w.Helper()
	connection, err := w.door.dial(w.Context(), "tcp", "")
	if err != nil {
		w.Fatal(err)
	}
	defer connection.Close()
	go io.WriteString(connection, request)
	var answer bytes.Buffer
	piece := make([]byte, 64<<10)
	for {
		_ = connection.SetReadDeadline(time.Now().Add(time.Second))
		n, err := connection.Read(piece)
		answer.Write(piece[:n])
		if err != nil {
			return answer.String()
		}
	}
}

// lines are those of a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// requests are the log's lines about requests.
func (w *world) requests() (logged []map[string]any) {
	w.Helper()
	synctest.Wait()
	for line := range strings.Lines(w.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			w.Errorf("%q: %v", line, err)
		}
		if entry["msg"] == "request" {
			logged = append(logged, entry)
		}
	}
	return logged
}

// metric is a line of /metrics, or empty.
func (w *world) metric(series string) string {
	w.Helper()
	for line := range strings.Lines(w.do(http.MethodGet, "http://admin/metrics", "").body) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// port is a port of a network that is net.Pipe, which a bubble can tell is
// idle; real sockets it cannot.
type port struct {
	connections chan net.Conn
	closed      chan struct{}
	once        *sync.Once
}

func newPort() port { return port{make(chan net.Conn), make(chan struct{}), &sync.Once{}} }

func (p port) Accept() (net.Conn, error) {
	select {
	case connection := <-p.connections:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p port) Close() error { p.once.Do(func() { close(p.closed) }); return nil }
func (port) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p port) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.connections <- addressed{far}:
		return near, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot connect: %w", ctx.Err())
	}
}

// addressed gives a pipe the address of a client.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 2} }
