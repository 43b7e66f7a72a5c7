package forward

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

const (
	doneLine = `{"model":"m:latest","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n"
	chatBody = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
)

// world is a forwarder between a client and sidecars: real relays in front of
// scripted Ollamas, over pipes, in virtual time.
type world struct {
	*testing.T
	forwarder *Forwarder
	client    *http.Client
	door      *port
	sidecars  []*sidecar

	mu      sync.Mutex
	results []Result
}

type sidecar struct {
	*relay.Relay
	door, upstream *port
	ollama         atomic.Pointer[http.HandlerFunc]
	relay          atomic.Pointer[http.HandlerFunc] // instead of the relay, but for /-/ready
	mute           atomic.Bool                      // /-/ready is not answered

	mu      sync.Mutex
	reached []*http.Request // what reached the relay
	served  []string        // bodies that reached Ollama
}

// inWorld runs a test with n sidecars that are ready.
func inWorld(t *testing.T, n int, change func(*Config), run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, door: newPort()}
		addresses := []string{}
		for i := range n {
			s, stop := newSidecar()
			defer stop()
			w.sidecars = append(w.sidecars, s)
			addresses = append(addresses, fmt.Sprintf("10.0.0.%d", i+1))
		}
		pool := balance.New(balance.Config{
			Sidecars: []*url.URL{{Scheme: "http", Host: "sidecar:80"}}, Dial: w.dial,
			Resolve: func(context.Context, string) ([]string, error) { return addresses, nil },
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- pool.Run(ctx) }()
		synctest.Wait()
		transport := proxy.NewTransport(w.dial)
		config := Config{Pool: pool, Transport: transport, HoldRelay: 10 * time.Second, MaxBodyBytes: 1 << 20, BufferMaxBytes: 4 << 20, UploadRate: proxy.LeastRate}
		if change != nil {
			change(&config)
		}
		w.forwarder = New(config)
		defer w.door.serve(http.HandlerFunc(w.serve))()
		clients := &http.Transport{DialContext: w.door.dial, MaxIdleConnsPerHost: 10}
		w.client = &http.Client{Transport: clients}
		run(w)
		clients.CloseIdleConnections()
		transport.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func newSidecar() (s *sidecar, stop func()) {
	s = &sidecar{door: newPort(), upstream: newPort()}
	transport := proxy.NewTransport(s.upstream.dial)
	s.Relay = relay.New(relay.Config{
		Upstream: &url.URL{Scheme: "http", Host: "ollama:11434"}, Transport: transport,
		QueueLength: 8, QueueTimeout: time.Minute, HoldMax: 2 * time.Minute, RetryAfter: time.Minute,
		FirstChunkTimeout: time.Minute, StallTimeout: 2 * time.Minute, ReplayMaxBytes: 1 << 20, BufferMaxBytes: 4 << 20,
	})
	s.SetGate(relay.Gate{State: "ready"})
	s.answers(chat("hi", " there"))
	stopDoor := s.door.serve(http.HandlerFunc(s.serveRelay))
	stopOllama := s.upstream.serve(http.HandlerFunc(s.serveOllama))
	return s, func() { stopDoor(); transport.CloseIdleConnections(); stopOllama() }
}

func (s *sidecar) serveRelay(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/-/ready" {
		s.mu.Lock()
		s.reached = append(s.reached, request.Clone(context.Background()))
		s.mu.Unlock()
		if script := s.relay.Load(); script != nil {
			(*script)(writer, request)
			return
		}
	} else if s.mute.Load() {
		<-request.Context().Done()
		return
	}
	s.ServeHTTP(writer, request)
}

func (s *sidecar) serveOllama(writer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	s.served = append(s.served, string(body))
	s.mu.Unlock()
	(*s.ollama.Load())(writer, request)
}

func (s *sidecar) answers(handler http.HandlerFunc)  { s.ollama.Store(&handler) }
func (s *sidecar) scripted(handler http.HandlerFunc) { s.relay.Store(&handler) }

func (s *sidecar) close(closure relay.Closure) {
	s.SetGate(relay.Gate{State: "recovering", All: &closure})
	synctest.Wait()
}

func (s *sidecar) open() { s.SetGate(relay.Gate{State: "ready"}) }

// asked is how many requests reached the relay.
func (s *sidecar) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reached)
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var i int
	if _, err := fmt.Sscanf(address, "10.0.0.%d:80", &i); err != nil {
		return nil, err
	}
	return w.sidecars[i-1].door.dial(ctx, network, address)
}

// serve is what the door decides of every request, in short.
func (w *world) serve(writer http.ResponseWriter, request *http.Request) {
	var result Result
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.results = append(w.results, result)
	}()
	route := ollama.RouteOf(request.Method, request.URL.Path)
	w.forwarder.Serve(writer, request, Ask{
		Path: request.URL.Path, Route: route, Inference: route.Inference, Fairness: cmp.Or(request.Header.Get("Test-Key"), "key"), Client: "192.0.2.7", ID: "id-1",
		Streams: strings.HasPrefix(request.URL.Path, "/api/blobs/"),
	}, &result)
}

// result is what became of the last request.
func (w *world) result() Result {
	w.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.results) == 0 {
		w.Fatal("no request has ended")
	}
	return w.results[len(w.results)-1]
}

// reply is what a client got, with the error of reading it.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

func (w *world) post(path, body string, headers ...string) reply {
	w.Helper()
	return w.do(w.Context(), http.MethodPost, path, strings.NewReader(body), headers...)
}

func (w *world) do(ctx context.Context, method, path string, body io.Reader, headers ...string) reply {
	start := time.Now()
	request, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, body)
	if err != nil {
		w.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return reply{err: err, took: time.Since(start)}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{status: answer.StatusCode, header: answer.Header, body: string(text), err: err, took: time.Since(start)}
}

// later posts in the background; the reply comes when it is there.
func (w *world) later(path, body string, headers ...string) <-chan reply {
	replies := make(chan reply, 1)
	go func() { replies <- w.post(path, body, headers...) }()
	synctest.Wait()
	return replies
}

// busy counts requests to the nth sidecar, so that another is chosen first.
func (w *world) busy(n int) (free func()) {
	pool, address := w.forwarder.config.Pool, fmt.Sprintf("10.0.0.%d:80", n)
	not := map[*balance.Sidecar]bool{}
	for {
		s := pool.Choose("", true, not).Sidecar
		if s == nil {
			w.Fatalf("%s is not ready", address)
		}
		if s.Address == address {
			a := pool.Begin(s, "", false, func(error) {})
			return func() { pool.End(a) }
		}
		not[s] = true
	}
}

// chat answers with chunks and a proper end.
func chat(chunks ...string) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		say(writer, chunks...)
		io.WriteString(writer, doneLine)
	}
}

// say writes chunks as Ollama does, each at once.
func say(writer http.ResponseWriter, chunks ...string) {
	writer.Header().Set("Content-Type", "application/x-ndjson")
	for _, text := range chunks {
		fmt.Fprintf(writer, `{"model":"m:latest","message":{"role":"assistant","content":%q},"done":false}`+"\n", text)
		writer.(http.Flusher).Flush()
	}
}
