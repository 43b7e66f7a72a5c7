package forward

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/sidecar/relay"
)

// upload is a client of a key that announces a body and sends so much of it at
// once, and then so much every second.
func (w *world) upload(key string, announced, first, perSecond int) {
	w.Helper()
	connection, err := w.door.dial(w.Context(), "tcp", "")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { connection.Close() })
	go io.Copy(io.Discard, connection)
	go func() {
		_, err := fmt.Fprintf(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nTest-Key: %s\r\nContent-Length: %d\r\n\r\n%s", key, announced, strings.Repeat("x", first))
		for err == nil && perSecond > 0 {
			time.Sleep(time.Second)
			_, err = io.WriteString(connection, strings.Repeat("x", perSecond))
		}
	}()
	synctest.Wait()
}

func TestSlowUploadsKeepNobodyOut(t *testing.T) {
	for name, key := range map[string]string{"of another key": "slow", "of the same key": "key"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(c *Config) { c.MaxBodyBytes, c.BufferMaxBytes = 4<<20, 8<<20 }, func(w *world) {
				for range 16 {
					w.upload(key, 4<<20, 600<<10, 17<<10)
				}
				for i := range 99 {
					time.Sleep(time.Second)
					if got := w.post("/api/chat", chatBody); got.status != 200 {
						t.Fatalf("small request %d: %d %s", i, got.status, got.body)
					}
					w.upload(key, 4<<20, 600<<10, 17<<10)
				}
				large := `{"model":"m","prompt":"` + strings.Repeat("x", 900<<10) + `"}`
				if got := w.post("/api/chat", large, "Test-Key", "other"); got.status != 200 {
					t.Errorf("a large one of another key: %d %s", got.status, got.body)
				}
				if used := w.forwarder.Buffered(); used > 8<<20 {
					t.Errorf("%d bytes held", used)
				}
			})
		})
	}
}

func TestBodiesThatAreAnnouncedAndDoNotComeKeepNobodyOut(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.BufferMaxBytes, c.MaxRequests = 4<<20, 100 }, func(w *world) {
		for i := range 300 {
			w.upload("silent", 70_000, i%2, 0)
		}
		if used := w.forwarder.Buffered(); used != 0 {
			t.Errorf("%d bytes taken for what has not come", used)
		}
		for i := range 20 {
			if got := w.post("/api/chat", chatBody); got.status != 200 {
				t.Errorf("request %d of another key: %d %s", i, got.status, got.body)
			}
		}
		time.Sleep(6 * time.Second)
		for i := range 20 {
			if got := w.post("/api/chat", chatBody, "Test-Key", "silent"); got.status != 200 {
				t.Errorf("request %d of the same key: %d %s", i, got.status, got.body)
			}
		}
	})
}

func TestRequestsThatAreHeldKeepNobodyOut(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.MaxRequests = 4 }, func(w *world) {
		w.sidecars[0].close(relay.Closure{Reason: "recovering", MayHold: true})
		held := func(key string) <-chan reply {
			return w.later("/api/chat", chatBody, "Test-Key", key, "Prefer", "wait=100")
		}
		greedy := []<-chan reply{held("greedy"), held("greedy"), held("greedy"), held("greedy")}
		if got := <-held("greedy"); got.status != 503 || got.header.Get("Retry-After") == "" || got.took > time.Second {
			t.Errorf("a fifth: %+v", got)
		}
		modest := held("modest")
		if got := <-greedy[3]; got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "too many requests") {
			t.Errorf("the newest of the greedy key: %+v", got)
		}
		if len(modest) > 0 {
			t.Errorf("the modest one: %+v", <-modest)
		}
		w.sidecars[0].open()
		for _, r := range []<-chan reply{greedy[0], greedy[1], greedy[2], modest} {
			if got := <-r; got.status != 200 {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestARequestThatOllamaWorksOnLeavesForAnotherKeys(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.MaxRequests = 3 }, func(w *world) {
		var given atomic.Int32
		w.sidecars[0].scripted(func(writer http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Test-Key") == "greedy" {
				io.Copy(io.Discard, r.Body) // or the server does not see the client leave
				<-r.Context().Done()
				given.Add(1)
				return
			}
			chat("hi")(writer, r)
		})
		ctx, leave := context.WithCancel(w.Context())
		var replies [3]chan reply
		for i := range replies {
			replies[i] = make(chan reply, 1)
			go func() {
				replies[i] <- w.do(ctx, http.MethodPost, "/api/chat", strings.NewReader(chatBody), "Test-Key", "greedy")
			}()
			synctest.Wait()
		}
		if got := w.post("/api/chat", chatBody, "Test-Key", "modest"); got.status != 200 {
			t.Errorf("the modest key: %+v", got)
		}
		got := <-replies[2]
		synctest.Wait() // the relay learns of it when it is told, and not before
		if got.status != 503 || given.Load() != 1 {
			t.Errorf("the newest of the greedy key: %+v, and the relay was told of %d", got, given.Load())
		}
		leave()
		synctest.Wait()
	})
}

func TestAClientThatReadsNothingKeepsNobodyOut(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.MaxRequests = 1 }, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, r *http.Request) {
			for range 100 {
				if r.ContentLength == int64(len(chatBody)) {
					say(writer, strings.Repeat("x", 1000))
				}
			}
			io.WriteString(writer, doneLine)
		})
		connection, err := w.door.dial(w.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		go fmt.Fprintf(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nTest-Key: stuck\r\nContent-Length: %d\r\n\r\n%s", len(chatBody), chatBody)
		time.Sleep(6 * time.Second)
		if got := w.post("/api/chat", chatBody+" "); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAHeaderOfManyFieldsIsRefused(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		answer := w.raw("GET /api/tags HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("a: b\r\n", 101)+"\r\n", func(net.Conn) {})
		if r := w.result(); !strings.HasPrefix(answer, "HTTP/1.1 431") || r.Refused != "header" {
			t.Errorf("%+v: %s", r, answer)
		}
	})
}
