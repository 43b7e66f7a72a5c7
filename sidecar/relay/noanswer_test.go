package relay

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// badOllama reads each request and then writes the same piece, once or for ever.
type badOllama struct {
	piece   string
	endless bool
	asked   atomic.Int32
}

func (b *badOllama) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		request, err := http.ReadRequest(bufio.NewReader(far))
		if err == nil {
			_, err = io.Copy(io.Discard, request.Body)
		}
		b.asked.Add(1)
		for more := true; more && err == nil; more = b.endless {
			_, err = io.WriteString(far, b.piece)
		}
	}()
	return near, nil
}

func TestWhatCanBeNoAnswerIsRefusedAtOnce(t *testing.T) {
	requests := map[string][2]string{
		"small":        {"/api/chat", chatBody},
		"large":        {"/api/chat", strings.Replace(chatBody, "hello", strings.Repeat("x", 100<<10), 1)},
		"very large":   {"/api/chat", strings.Replace(chatBody, "hello", strings.Repeat("x", 2<<20), 1)},
		"passed":       {"/api/show", `{"model":"m"}`},
		"streamed":     {"/api/blobs/sha256:0", strings.Repeat("x", 100<<10)},
		"an unload":    {"/api/generate", `{"model":"qwen3:32b","keep_alive":0}`},
		"not Ollama's": {"/x", ""},
	}
	for name, bad := range map[string]func() *badOllama{
		"042": func() *badOllama { return &badOllama{piece: "HTTP/1.1 042 Odd\r\nContent-Length: 2\r\n\r\nok"} },
		"000": func() *badOllama { return &badOllama{piece: "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n"} },
		"101": func() *badOllama {
			return &badOllama{piece: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"}
		},
		"103 always": func() *badOllama {
			return &badOllama{piece: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", endless: true}
		},
		"100 always": func() *badOllama { return &badOllama{piece: "HTTP/1.1 100 Continue\r\n\r\n", endless: true} },
	} {
		for kind, request := range requests {
			t.Run(name+", "+kind, func(t *testing.T) {
				ollama := bad()
				inWorld(t, func(c *Config) { c.Transport = proxy.NewTransport(ollama.dial) }, func(w *world) {
					began := time.Now()
					got := w.post(request[0], request[1])
					if got.status != http.StatusBadGateway || got.err != nil || time.Since(began) != 0 || !strings.Contains(got.body, "no HTTP answer") {
						w.Errorf("after %v: %+v", time.Since(began), got)
					}
					if n := ollama.asked.Load(); n != 1 {
						w.Errorf("asked %d times", n)
					}
					w.wantSigns()
					if load := w.relay.Load(); load.InFlight != 0 {
						w.Errorf("still in flight: %+v", load)
					}
				})
			})
		}
	}
}

func TestAnInterimAnswerIsNotTheLast(t *testing.T) {
	ollama := &badOllama{piece: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"}
	inWorld(t, func(c *Config) { c.Transport = proxy.NewTransport(ollama.dial) }, func(w *world) {
		if got := w.post("/api/show", `{"model":"m"}`); got.status != 200 || got.body != "{}" {
			w.Errorf("%+v", got)
		}
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.codes[200] != 1 {
			w.Errorf("counted %v", w.codes)
		}
	})
}
