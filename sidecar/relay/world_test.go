package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

const (
	model    = "qwen3:32b"
	doneLine = `{"model":"qwen3:32b","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":20,"eval_duration":2000000000}` + "\n"
	chatBody = `{"model":"qwen3:32b","messages":[{"role":"user","content":"hello"}]}`
	sseBody  = `{"model":"qwen3:32b","stream":true,"messages":[{"role":"user","content":"hello"}]}`
)

// world is a relay between a client and a scripted Ollama, on net/http's own
// servers over pipes, in virtual time.
type world struct {
	*testing.T
	relay  *Relay
	client *http.Client

	upstream pipeListener
	door     pipeListener
	away     atomic.Bool // Ollama's port refuses
	answer   atomic.Pointer[http.HandlerFunc]

	mu      sync.Mutex
	signs   []evidence.Sign
	served  []string // what reached Ollama: the body's first message, or the path
	refused map[string]int
	cuts    map[string]int
	replays map[string]int
	codes   map[int]int
	tokens  int
}

// inWorld runs a test in a bubble with everything started, and the gate open.
func inWorld(t *testing.T, change func(*Config), run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, refused: map[string]int{}, cuts: map[string]int{}, replays: map[string]int{}, codes: map[int]int{}}
		w.upstream, w.door = newPipeListener(), newPipeListener()
		config := Config{
			Upstream: &url.URL{Scheme: "http", Host: "ollama:11434"}, Transport: w.transport(),
			QueueLength: 8, QueueTimeout: 60 * time.Second, HoldMax: 120 * time.Second, RetryAfter: 60 * time.Second,
			FirstChunkTimeout: 3 * time.Second, StallTimeout: 120 * time.Second,
			UploadRate: proxy.LeastRate, ReplayMaxBytes: 1 << 20, BufferMaxBytes: 4 << 20, Signs: w.sign, Metrics: w,
		}
		if change != nil {
			change(&config)
		}
		w.relay = New(config)
		w.relay.SetModels(listing(model, "m", "other"))
		w.relay.SetGate(Gate{State: "ready"})
		w.ollama(chat("hi", " there"))
		defer w.serve(w.relay, w.door)()
		defer w.serve(http.HandlerFunc(w.serveOllama), w.upstream)()
		clients := &http.Transport{DialContext: w.door.dial, MaxIdleConnsPerHost: 10}
		w.client = &http.Client{Transport: clients}
		run(w)
		clients.CloseIdleConnections()
		config.Transport.(*proxy.Transport).CloseIdleConnections()
	})
}

// listing has names of which nothing else is known.
func listing(names ...string) ollama.Catalogue {
	var tags []ollama.Tag
	for _, name := range names {
		tags = append(tags, ollama.Tag{Name: ollama.NormalizeModel(name)})
	}
	var d ollama.Directory
	d.List(tags)
	return d.Catalogue(ollama.Catalogue{})
}

func (w *world) transport() *proxy.Transport {
	return proxy.NewTransport(func(ctx context.Context, network, address string) (net.Conn, error) {
		if w.away.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return w.upstream.dial(ctx, network, address)
	})
}

func (w *world) serve(handler http.Handler, listener pipeListener) (stop func()) {
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(listener)
	return func() {
		server.Close()
		time.Sleep(time.Second) // net/http lingers half a second after refusing a body
	}
}

func (w *world) serveOllama(writer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.served = append(w.served, string(body))
	w.mu.Unlock()
	(*w.answer.Load())(writer, request)
}

func (w *world) ollama(handler http.HandlerFunc) { w.answer.Store(&handler) }

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
		fmt.Fprintf(writer, `{"model":"qwen3:32b","message":{"role":"assistant","content":%q},"done":false}`+"\n", text)
		writer.(http.Flusher).Flush()
	}
}

// reply is what a client got, with the error of reading it.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (w *world) post(path, body string, headers ...string) reply {
	w.Helper()
	return w.do(w.Context(), path, strings.NewReader(body), headers...)
}

func (w *world) do(ctx context.Context, path string, body io.Reader, headers ...string) reply {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://relay"+path, body)
	if err != nil {
		w.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return reply{err: err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{status: answer.StatusCode, header: answer.Header, body: string(text), err: err}
}

// later posts in the background; the reply comes when it is there.
func (w *world) later(path, body string, headers ...string) <-chan reply {
	replies := make(chan reply, 1)
	go func() { replies <- w.post(path, body, headers...) }()
	synctest.Wait()
	return replies
}

func (w *world) reached() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.served)
}

func (w *world) sign(sign evidence.Sign) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signs = append(w.signs, sign)
}

// signed are the kinds of signs so far, in order.
func (w *world) signed() (kinds []evidence.SignKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sign := range w.signs {
		kinds = append(kinds, sign.Kind)
	}
	return kinds
}

func (w *world) wantSigns(want ...evidence.SignKind) {
	w.Helper()
	synctest.Wait()
	if got := w.signed(); !slices.Equal(got, want) {
		w.Errorf("signs %v, want %v", got, want)
	}
}

func (w *world) counted(counter map[string]int, name string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return counter[name]
}

func (w *world) close(closure Closure) {
	w.relay.SetGate(Gate{State: "recovering", All: &closure})
	synctest.Wait()
}

func (w *world) open() { w.relay.SetGate(Gate{State: "ready"}) }

func (w *world) count(counter map[string]int, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	counter[name]++
}

func (w *world) Refused(reason string)            { w.count(w.refused, reason) }
func (w *world) Cut(reason string)                { w.count(w.cuts, reason) }
func (w *world) Replayed(result string)           { w.count(w.replays, result) }
func (w *world) FirstChunk(string, time.Duration) {}

func (w *world) Tokens(_ string, prompt, generated int, perSecond float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens = prompt*1000 + generated*10 + int(perSecond)/10
}

func (w *world) Request(_ string, code int, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.codes[code]++
}

// pipeListener is a port of a network that is net.Pipe, which a bubble can
// tell is idle; real sockets it cannot.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        *sync.Once
}

func newPipeListener() pipeListener {
	return pipeListener{make(chan net.Conn), make(chan struct{}), &sync.Once{}}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }
func (pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l pipeListener) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.connections <- addressed{far}:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// addressed gives a pipe the address of a client.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
