package forward

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// early is a gateway, a relay and an Ollama on real sockets: only those lose an
// answer to what is still being sent.
type early struct {
	*testing.T
	pool                   *balance.Pool
	ollama, relay, gateway string // host:port
	said                   problems
}

// problems are what net/http's servers complain of: panics, above all.
type problems struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *problems) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

// onSockets joins a real forwarder, and a real relay unless a sidecar is given.
func onSockets(t *testing.T, sidecar, answer http.HandlerFunc) *early {
	w := &early{T: t}
	if sidecar == nil {
		upstream := w.serve(answer)
		w.ollama = upstream.Host
		r := relay.New(relay.Config{
			Upstream: upstream, QueueLength: 8, QueueTimeout: time.Minute, HoldMax: 2 * time.Minute, RetryAfter: time.Minute,
			FirstChunkTimeout: time.Minute, StallTimeout: 2 * time.Minute, ReplayMaxBytes: 64 << 10, BufferMaxBytes: 8 << 20,
		})
		r.SetGate(relay.Gate{State: "ready"})
		sidecar = r.ServeHTTP
	}
	behind := w.serve(sidecar)
	w.relay = behind.Host
	w.pool = balance.New(balance.Config{Sidecars: []*url.URL{behind}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.pool.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for choice := w.pool.Choose("m", true, nil); choice.Sidecar == nil; choice = w.pool.Choose("m", true, nil) {
		select {
		case <-choice.Changed:
		case <-time.After(10 * time.Second):
			t.Fatal("the sidecar was not found")
		}
	}
	forwarder := New(Config{Pool: w.pool, MaxBodyBytes: 1 << 20, BufferMaxBytes: 8 << 20})
	w.gateway = w.serve(func(writer http.ResponseWriter, request *http.Request) {
		route := ollama.RouteOf(request.Method, request.URL.Path)
		forwarder.Serve(writer, request, Ask{
			Path: request.URL.Path, Route: route, Inference: route.Inference, Fairness: "key", Client: "192.0.2.7", ID: "id-1",
			Streams: strings.HasPrefix(request.URL.Path, "/api/blobs/"),
		}, new(Result))
	}).Host
	return w
}

func (w *early) serve(handler http.HandlerFunc) *url.URL {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(&w.said, "", 0)
	server.Start()
	w.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		w.Fatal(err)
	}
	return address
}

// zeros is a body, with or without a length, that takes a while to send.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// atOnce reads the answer while it sends, as Go's client does.
func atOnce(t *testing.T, address, path string, n int64) (int, string) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, zeros(n))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// first sends all before it reads, as most others do.
func first(t *testing.T, address, path string, n int64) (int, string) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", path)
	chunk := fmt.Appendf(nil, "10000\r\n%s\r\n", strings.Repeat(" ", 64<<10))
	for range n >> 16 {
		if _, err := connection.Write(chunk); err != nil {
			return 0, err.Error()
		}
	}
	fmt.Fprint(connection, "0\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func TestAnAnswerThatComesBeforeTheUploadIsReadReachesTheClient(t *testing.T) {
	w := onSockets(t, nil, func(writer http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/api/blobs/sha256:refused":
			http.Error(writer, "digest mismatch", http.StatusBadRequest)
		case "/api/chat":
			http.Error(writer, `{"error":"no"}`, http.StatusBadRequest)
		} // of a blob that is there: 200
	})
	for name, c := range map[string]struct {
		address, path string
		status        int
		first         bool
	}{
		"relay, a blob":                       {w.relay, "/api/blobs/sha256:there", 200, false},
		"relay, a blob, all sent first":       {w.relay, "/api/blobs/sha256:there", 200, true},
		"relay, a refused blob":               {w.relay, "/api/blobs/sha256:refused", 400, false},
		"relay, a large question":             {w.relay, "/api/chat", 400, false},
		"relay, a large question, sent first": {w.relay, "/api/chat", 400, true},
		"gateway, a blob":                     {w.gateway, "/api/blobs/sha256:there", 200, false},
		"gateway, a blob, all sent first":     {w.gateway, "/api/blobs/sha256:there", 200, true},
		"gateway, a refused blob":             {w.gateway, "/api/blobs/sha256:refused", 400, false},
		"gateway, too large, all sent first":  {w.gateway, "/api/chat", 413, true},
	} {
		t.Run(name, func(t *testing.T) {
			for try := range int64(8) {
				send := atOnce
				if c.first {
					send = first
				}
				if status, text := send(t, c.address, c.path, (try%4+2)<<20+try); status != c.status {
					t.Errorf("try %d: %d %s", try, status, text)
				}
			}
		})
	}
	if reports := w.pool.Report(); len(reports) != 1 || !reports[0].Up {
		t.Errorf("the sidecar was put aside: %+v", reports)
	}
	if text := w.said.text.String(); strings.Contains(text, "panic") {
		t.Error(text)
	}
}

func TestTheTimeOfAnAnswerIsWithoutTheRestOfTheUpload(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(writer).EnableFullDuplex() // as the relay does
			time.Sleep(time.Second)
			http.Error(writer, "no such digest", http.StatusBadRequest)
		})
		start := time.Now()
		answer := w.raw("POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", nil)
		if r, took := w.result(), time.Since(start); !strings.HasPrefix(answer, "HTTP/1.1 400") || r.Took < time.Second || r.Took > 2*time.Second || took < 5*time.Second {
			t.Errorf("%+v after %v: %s", r, took, answer)
		}
	})
}

func TestTheRestOfAnUploadIsNoRequest(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(writer).EnableFullDuplex()
			http.Error(writer, "no such digest", http.StatusBadRequest)
		})
		answer := w.raw("POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", func(connection net.Conn) {
			time.Sleep(6 * time.Second) // longer than it is waited for
			_, _ = io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		if strings.Count(answer, "HTTP/1.1 ") != 1 || len(w.results) != 1 {
			t.Errorf("%d requests: %s", len(w.results), answer)
		}
	})
}

func TestNobodyIsPutAsideForAnUploadThatBrokeOff(t *testing.T) {
	looked := make(chan struct{}, 100)
	w := onSockets(t, func(writer http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/-/ready":
			select {
			case looked <- struct{}{}:
			default:
			}
			fmt.Fprint(writer, `{"ready":true,"state":"ready","may_hold":true}`)
		case "/api/version":
			fmt.Fprint(writer, `{"version":"0.9.6"}`)
		default:
			_, _ = io.CopyN(io.Discard, request.Body, 1)
			panic(http.ErrAbortHandler)
		}
	}, nil)
	before := w.pool.Choose("", false, nil).Changed
	if status, text := atOnce(t, w.gateway, "/api/blobs/sha256:there", 8<<20); status != http.StatusServiceUnavailable || !strings.Contains(text, "cannot be sent again") {
		t.Errorf("%d %s", status, text)
	}
	select {
	case <-before:
		if reports := w.pool.Report(); !reports[0].Up {
			t.Errorf("it is put aside: %+v", reports)
		}
	default: // nothing has changed, and a look is due
	}
	for len(looked) > 0 {
		<-looked
	}
	select {
	case <-looked:
	case <-time.After(900 * time.Millisecond):
		t.Error("nobody has looked at it soon")
	}
}

func TestAnAnswerThatWasCutEndsForWhoIsStillSending(t *testing.T) {
	w := onSockets(t, nil, func(writer http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(writer).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		connection.Close()
	})
	for name, address := range map[string]string{"relay": w.relay, "gateway": w.gateway} {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = connection.SetDeadline(time.Now().Add(4 * time.Second))
		fmt.Fprint(connection, "POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhello")
		answer, err := io.ReadAll(connection)
		if !strings.Contains(string(answer), "hello") || strings.Contains(fmt.Sprint(err), "timeout") {
			t.Errorf("%s: %v after %s", name, err, answer)
		}
		connection.Close()
	}
}
