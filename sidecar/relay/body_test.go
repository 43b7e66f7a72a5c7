package relay

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// unsized hides a reader's length, so that it is sent chunked.
type unsized struct{ io.Reader }

func TestEveryBodyArrivesAsItWas(t *testing.T) {
	big := `{"model":"qwen3:32b","messages":[{"content":"` + strings.Repeat("x", 3<<20) + `"}]}`
	for name, body := range map[string]io.Reader{
		"small": strings.NewReader(chatBody), "small, chunked": unsized{strings.NewReader(chatBody)},
		"large": strings.NewReader(big), "large, chunked": unsized{strings.NewReader(big)},
		"empty": strings.NewReader(""), "at the limit": strings.NewReader(big[:1<<20]), "one over it": strings.NewReader(big[:1<<20+1]),
		"at the limit, chunked": unsized{strings.NewReader(big[:1<<20])},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				var sent strings.Builder
				got := w.do(w.Context(), "/api/chat", struct{ io.Reader }{io.TeeReader(body, &sent)})
				if got.status != 200 || len(w.served) != 1 || w.served[0] != sent.String() {
					w.Errorf("%d %q %v, %d bytes sent", got.status, got.body, got.err, sent.Len())
				}
				synctest.Wait()
				if load := w.relay.Load(); load.BufferedBytes != 0 {
					w.Errorf("load %+v", load)
				}
			})
		})
	}
}

func TestABodyTooLargeToHoldIsGatedByItsBeginning(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.relay.SetGate(Gate{State: "isolated", Models: map[string]Closure{model: {Reason: "dead"}}})
		filling := strings.Repeat("x", 2<<20)
		for body, want := range map[string]int{
			`{"model":"qwen3:32b","messages":[{"content":"` + filling + `"}]}`: 503,
			`{"model":"other","messages":[{"content":"` + filling + `"}]}`:     200,
			`{"messages":[{"content":"` + filling + `"}],"model":"other"}`:     503, // not seen, so it may be the dead one
		} {
			if got := w.post("/api/chat", body); got.status != want {
				w.Errorf("%.40s: %d, want %d", body, got.status, want)
			}
		}
	})
}

func TestABodyThatStreamsThroughIsNotReplayed(t *testing.T) {
	inWorld(t, func(c *Config) { c.ReplayMaxBytes = 0 }, func(w *world) {
		w.ollama(frozen)
		waiting := w.later("/api/chat", chatBody)
		w.recover(time.Second)
		if got := <-waiting; got.status != 503 || w.reached() != 1 {
			w.Errorf("%d, reached %d", got.status, w.reached())
		}
	})
}

func TestHeldBodiesStayWithinTheBudget(t *testing.T) {
	const size = 100 << 10
	inWorld(t, func(c *Config) { c.BufferMaxBytes, c.MaxInFlight = 3*size, 1 }, func(w *world) {
		w.ollama(slow)
		body := `{"model":"qwen3:32b","messages":[{"content":"` + strings.Repeat("x", size-60) + `"}]}`
		var replies []<-chan reply
		for range 6 {
			replies = append(replies, w.later("/api/chat", body))
			if used := w.relay.Load().BufferedBytes; used > 3*size {
				w.Errorf("%d bytes held", used)
			}
		}
		for _, r := range replies {
			if got := <-r; got.status != 200 || got.err != nil {
				w.Errorf("%d %v", got.status, got.err)
			}
		}
	})
}

// raw sends bytes on a connection of their own and reads one answer.
func (w *world) raw(text string, hangUp bool) (*http.Response, error) {
	connection, err := w.door.dial(w.Context(), "tcp", "relay")
	if err != nil {
		w.Fatal(err)
	}
	defer connection.Close()
	go func() {
		io.WriteString(connection, text)
		if hangUp {
			connection.Close()
		}
	}()
	return http.ReadResponse(bufio.NewReader(connection), nil)
}

func TestABodyThatDoesNotComeIsNotForwarded(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		start := time.Now()
		head := fmt.Sprintf("POST /api/chat HTTP/1.1\r\nHost: relay\r\nContent-Length: %d\r\n\r\n", 2*len(chatBody))
		answer, err := w.raw(head+chatBody, false)
		if err != nil || answer.StatusCode != http.StatusRequestTimeout || time.Since(start) < proxy.BodyIdleTimeout {
			w.Errorf("%v %v after %v", answer, err, time.Since(start))
		}
		_, _ = w.raw(head+chatBody, true) // half closed: whatever comes of it, nothing may be left over
		answer, err = w.raw("POST /api/chat HTTP/1.1\r\nHost: relay\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			w.Errorf("broken chunks: %v %v", answer, err)
		}
		synctest.Wait()
		if w.reached() != 0 || w.relay.Load().BufferedBytes != 0 {
			w.Errorf("Ollama got %q, load %+v", w.served, w.relay.Load())
		}
	})
}

func TestAClientMayAskBeforeItSendsItsBody(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Hour
		var expected string
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			expected = r.Header.Get("Expect")
			chat("hi")(writer, r)
		})
		if got := w.post("/api/chat", chatBody, "Expect", "100-continue"); got.status != 200 || got.err != nil || expected != "" {
			w.Errorf("%d %v, Ollama was asked %q", got.status, got.err, expected)
		}
	})
}
