//go:build e2e

package proxies

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what takes no time where nothing is held back.
const patience = 20 * time.Second

// silence is longer than the minute after which nginx gives up by default.
const silence = 70 * time.Second

// place is where the gateway is put.
type place struct {
	proxy proxy
	nth   int // of the document's recipes
	url   string
}

func places() map[string]place {
	all := map[string]place{}
	for program, proxy := range programs {
		for nth, prefix := range []string{"", "/ollama"} {
			all[program+prefix] = place{proxy, nth, "https://" + name + prefix}
		}
	}
	return all
}

// overEach runs a test with each proxy and recipe of the document.
func overEach(t *testing.T, test func(t *testing.T, at place)) {
	for name, at := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, at)
		})
	}
}

// clients starts a gateway and the proxy in front of it, and gives clients by the
// version of HTTP that they speak.
func (p place) clients(t *testing.T, sidecar http.HandlerFunc) map[string]*http.Client {
	t.Helper()
	return p.proxy.run(t, startGateway(t, sidecar), p.nth)
}

func ask(t *testing.T, client *http.Client, method, url string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func chunk(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, text+"\n")
	w.(http.Flusher).Flush()
}

func chat(t *testing.T, client *http.Client, url string, headers ...string) *http.Response {
	t.Helper()
	return ask(t, client, http.MethodPost, url+"/api/chat", strings.NewReader(`{"model":"m"}`), headers...)
}

func TestEachPieceOfAnAnswerComesAtOnce(t *testing.T) {
	overEach(t, func(t *testing.T, at place) {
		seen := make(chan struct{})
		clients := at.clients(t, func(w http.ResponseWriter, r *http.Request) {
			chunk(w, "one")
			select {
			case <-seen:
				chunk(w, "two")
			case <-r.Context().Done():
			case <-time.After(patience):
			}
		})
		for version, client := range clients {
			answer := chat(t, client, at.url)
			piece := make([]byte, 4)
			if _, err := io.ReadFull(answer.Body, piece); err != nil || string(piece) != "one\n" {
				t.Fatalf("%s: %q: %v", version, piece, err)
			}
			seen <- struct{}{}
			if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "two\n" {
				t.Errorf("%s: %q: %v", version, rest, err)
			}
		}
	})
}

// All of them wait at the same time.
func TestALongPromptIsWaitedFor(t *testing.T) {
	t.Parallel()
	var waiting sync.WaitGroup
	for _, at := range places() {
		for version, client := range at.clients(t, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(silence):
				chunk(w, "done")
			case <-r.Context().Done():
			}
		}) {
			waiting.Go(func() {
				answer, err := client.Post(at.url+"/api/chat", "application/json", strings.NewReader(`{"model":"m"}`))
				if err != nil {
					t.Errorf("%s over %s: %v", at.proxy.language, version, err)
					return
				}
				defer answer.Body.Close()
				if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || string(text) != "done\n" {
					t.Errorf("%s over %s: %s %q: %v", at.proxy.language, version, answer.Status, text, err)
				}
			})
		}
	}
	waiting.Wait()
}

// halted is an upload that goes on when the sidecar has seen its beginning.
type halted struct {
	io.Reader
	until <-chan struct{}
}

func (h *halted) Read(p []byte) (int, error) {
	if h.until != nil {
		select {
		case <-h.until:
			h.until = nil
		case <-time.After(patience):
			return 0, context.DeadlineExceeded
		}
	}
	return h.Reader.Read(p)
}

func TestABlobPassesAsItComes(t *testing.T) {
	const half = 4 << 20 // more than nginx takes by default
	overEach(t, func(t *testing.T, at place) {
		seen, got := make(chan struct{}, 1), make(chan int64, 1)
		clients := at.clients(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 1))
			seen <- struct{}{}
			rest, _ := io.Copy(io.Discard, r.Body)
			got <- 1 + rest
			w.WriteHeader(http.StatusCreated)
		})
		for version, client := range clients {
			second := &halted{bytes.NewReader(make([]byte, half)), seen}
			answer := ask(t, client, http.MethodPost, at.url+"/api/blobs/sha256:00", io.MultiReader(bytes.NewReader(make([]byte, half)), second))
			if n := <-got; answer.StatusCode != http.StatusCreated || n != 2*half {
				t.Errorf("%s: %s, %d bytes came", version, answer.Status, n)
			}
		}
	})
}

func TestWhoLeavesIsGone(t *testing.T) {
	overEach(t, func(t *testing.T, at place) {
		left := make(chan struct{}, 1)
		clients := at.clients(t, func(w http.ResponseWriter, r *http.Request) {
			chunk(w, "one")
			<-r.Context().Done()
			left <- struct{}{}
		})
		for version, client := range clients {
			answer := chat(t, client, at.url)
			_, _ = answer.Body.Read(make([]byte, 1))
			_ = answer.Body.Close()
			select {
			case <-left:
			case <-time.After(patience):
				t.Fatalf("%s: the sidecar does not see it", version)
			}
		}
	})
}

func TestACutAnswerIsNotWhole(t *testing.T) {
	overEach(t, func(t *testing.T, at place) {
		clients := at.clients(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk(w, `{"message":"one"}`)
			panic(http.ErrAbortHandler)
		})
		for version, client := range clients {
			answer := chat(t, client, at.url)
			text, err := io.ReadAll(answer.Body)
			if !strings.Contains(string(text), `{"error"`) || err == nil && !at.proxy.hidesCuts {
				t.Errorf("%s: it ends with %v, and is %q", version, err, text)
			}
		}
	})
}

func TestTheGatewayKnowsWhoAsksAndByWhichName(t *testing.T) {
	overEach(t, func(t *testing.T, at place) {
		clients := at.clients(t, func(w http.ResponseWriter, r *http.Request) {
			chunk(w, r.Header.Get("X-Forwarded-For")+" "+r.URL.Path)
		})
		for version, client := range clients {
			answer := chat(t, client, at.url, "Origin", "https://"+name, "X-Forwarded-For", "203.0.113.9")
			if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "127.0.0.2 /api/chat\n" || answer.Proto != version {
				t.Errorf("the page's own call over %s: %s %q %v", answer.Proto, answer.Status, text, err)
			}
			if answer := chat(t, client, at.url, "Origin", "https://evil.example"); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: another page's call: %s", version, answer.Status)
			}
			answer = ask(t, client, http.MethodGet, at.url+"/", http.NoBody, "Accept", "text/html")
			if led, err := answer.Location(); err != nil || led.String() != at.url+"/ui/" {
				t.Errorf("%s: a browser is led to %v: %v", version, led, err)
			}
			if answer := ask(t, client, http.MethodGet, at.url+"/ui/", http.NoBody); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: the page: %s", version, answer.Status)
			}
		}
	})
}
