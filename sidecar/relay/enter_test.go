package relay

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// upload is a client of a key that announces a body and sends so much of it at
// once, and then so much every second.
func (w *world) upload(key string, announced, first, perSecond int) {
	w.Helper()
	connection, err := w.door.dial(w.Context(), "tcp", "relay")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { connection.Close() })
	go io.Copy(io.Discard, connection)
	go func() {
		_, err := fmt.Fprintf(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nClawgate-Key: %s\r\nContent-Length: %d\r\n\r\n%s", key, announced, strings.Repeat("x", first))
		for err == nil && perSecond > 0 {
			time.Sleep(time.Second)
			_, err = io.WriteString(connection, strings.Repeat("x", perSecond))
		}
	}()
	synctest.Wait()
}

// kept says whether the request of a key survives a recovery, as one does whose
// body is held in memory.
func (w *world) kept(key, body string) bool {
	w.Helper()
	w.ollama(frozen)
	waiting := w.later("/api/chat", body, "Clawgate-Key", key)
	w.recover(time.Second)
	return (<-waiting).status == 200
}

func TestSlowUploadsTakeNobodysMemory(t *testing.T) {
	inWorld(t, func(c *Config) { c.ReplayMaxBytes, c.BufferMaxBytes = 2<<20, 4<<20 }, func(w *world) {
		for range 12 {
			w.upload("slow", 2<<20, 400<<10, 17<<10)
		}
		if !w.kept("slow", chatBody) {
			t.Error("a small request of the same key was not held")
		}
		if !w.kept("other", `{"model":"qwen3:32b","messages":[{"content":"`+strings.Repeat("x", 900<<10)+`"}]}`) {
			t.Error("a large request of another key was not held")
		}
		if used := w.relay.Load().BufferedBytes; used > 4<<20 {
			t.Errorf("%d bytes held", used)
		}
	})
}

func TestBodiesThatDoNotComeTakeNoMemory(t *testing.T) {
	inWorld(t, func(c *Config) { c.BufferMaxBytes, c.MaxRequests = 1<<20, 100 }, func(w *world) {
		for i := range 300 {
			w.upload("silent", 70_000+i%2*(9<<20), 0, 0) // some of them too large to be held
		}
		if used := w.relay.Load().BufferedBytes; used != 0 {
			t.Errorf("%d bytes taken for what has not come", used)
		}
		if !w.kept("other", chatBody) {
			t.Error("another key's request was not held")
		}
	})
}

func TestRequestsOfOneKeyKeepNoOtherOut(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxRequests, c.QueueLength = 6, 100 }, func(w *world) {
		w.close(Closure{Reason: "recovering", MayHold: true})
		held := func(key string) <-chan reply {
			return w.later("/api/chat", chatBody, "Clawgate-Key", key, "Prefer", "wait=100")
		}
		var greedy []<-chan reply
		for range 6 {
			greedy = append(greedy, held("greedy"))
		}
		modest := held("modest")
		if got := <-greedy[5]; got.status != 503 || got.header.Get("Clawgate-Reason") != "crowded" || got.header.Get("Retry-After") == "" {
			w.Errorf("the newest of the greedy key: %+v", got)
		}
		if w.counted(w.refused, "crowded") != 1 {
			w.Errorf("refused %v", w.refused)
		}
		for path, want := range map[string]int{"/api/tags": 200, "/-/ready": 503} {
			answer, err := w.client.Get("http://relay" + path)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			if answer.StatusCode != want {
				w.Errorf("%s: %d", path, answer.StatusCode)
			}
		}
		w.open()
		if got := <-modest; got.status != 200 {
			w.Errorf("the modest key: %+v", got)
		}
		for _, r := range greedy[:4] {
			if got := <-r; got.status != 200 {
				w.Errorf("one of the oldest: %+v", got)
			}
		}
		<-greedy[4] // it went for /api/tags
	})
}

func TestARequestLeavesTheServerForAnotherKeys(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxRequests, c.MaxInFlight = 3, 10 }, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Slow") != "" {
				frozen(writer, r)
				return
			}
			chat("hi")(writer, r)
		})
		var greedy []<-chan reply
		for range 3 {
			greedy = append(greedy, w.later("/api/chat", chatBody, "Clawgate-Key", "greedy", "X-Slow", "1"))
		}
		if got := w.post("/api/chat", chatBody, "Clawgate-Key", "modest"); got.status != 200 {
			w.Errorf("the modest key: %+v", got)
		}
		if got := <-greedy[2]; got.status != 503 || got.header.Get("Clawgate-Reason") != "crowded" {
			w.Errorf("the newest of the greedy key: %+v", got)
		}
		if load := w.relay.Load(); load.InFlight != 2 {
			w.Errorf("load %+v", load)
		}
		w.recover(time.Second)
	})
}
