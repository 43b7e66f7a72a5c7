package relay

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// queue has a request of a key wait, of the model that it names.
func (w *world) queue(key, model string) <-chan reply {
	w.Helper()
	answer := w.later("/api/chat", fmt.Sprintf(`{"model":%q,"messages":[{"content":"x"}]}`, model), "Clawgate-Key", key)
	time.Sleep(time.Millisecond) // it has arrived before the next one
	return answer
}

func TestAKeyThatFillsTheQueueKeepsNoOtherOut(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight, c.QueueLength = 1, 8 }, func(w *world) {
		w.relay.SetModels(listing("m0", "m1"))
		release := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, r *http.Request) { <-release; chat("hi")(writer, r) })
		var greedy, modest []<-chan reply
		for i := range 9 { // one is with Ollama
			greedy = append(greedy, w.queue("greedy", fmt.Sprint("m", i%2)))
		}
		for range 4 {
			modest = append(modest, w.queue("modest", "m0"))
		}
		refused := 0
		for i, r := range greedy {
			if len(r) == 1 {
				got := <-r
				refused++
				if got.status != 503 || got.header.Get("Clawgate-Reason") != "queue_full" || got.header.Get("Retry-After") == "" {
					w.Errorf("%+v", got)
				}
				if i < 5 {
					w.Errorf("the greedy key's request %d went, which is not among its newest", i)
				}
			}
		}
		if load := w.relay.Load(); refused != 3 || load.Queued != 8 { // two of nine are with Ollama, one of each model
			w.Errorf("%d refused, load %+v", refused, load)
		}
		if got := <-w.queue("greedy", "m0"); got.status != 503 {
			w.Errorf("one more of the greedy key: %d", got.status)
		}
		close(release)
		for _, r := range modest {
			if got := <-r; got.status != 200 {
				w.Errorf("the modest key: %d %s", got.status, got.body)
			}
		}
		w.emptied()
	})
}

// emptied checks that nobody waits, and that no lane was forgotten to be forgotten.
func (w *world) emptied() {
	w.Helper()
	time.Sleep(time.Minute)
	a := w.relay.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.lanes) != 0 || a.waiting != 0 {
		w.Errorf("%d wait, in %d lanes", a.waiting, len(a.lanes))
	}
}

func TestWhoMakesRoomAtAClosedGateLosesNobody(t *testing.T) {
	inWorld(t, func(c *Config) { c.QueueLength = 2 }, func(w *world) {
		w.close(Closure{Reason: "recovering", MayHold: true})
		held := func(key string) <-chan reply {
			return w.later("/api/chat", chatBody, "Clawgate-Key", key, "Prefer", "wait=100")
		}
		first, second := held("greedy"), held("greedy")
		other, third := held("other"), held("third")
		if got := <-second; got.status != 503 || got.header.Get("Clawgate-Reason") != "queue_full" {
			w.Errorf("%+v", got)
		}
		if got := <-third; got.status != 503 { // all have one: the newcomer would not have less
			w.Errorf("%+v", got)
		}
		w.open()
		for _, r := range []<-chan reply{first, other} {
			if got := <-r; got.status != 200 {
				w.Errorf("%d %s", got.status, got.body)
			}
		}
		w.emptied()
	})
}

func TestOneKeyThatHasTheQueueToItselfFillsIt(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight, c.QueueLength = 1, 4 }, func(w *world) {
		w.ollama(slow)
		replies := []<-chan reply{}
		for range 5 {
			replies = append(replies, w.queue("greedy", "m"))
		}
		if got := w.post("/api/chat", strings.ReplaceAll(chatBody, model, "m"), "Clawgate-Key", "greedy"); got.status != 503 {
			w.Errorf("the newest: %d", got.status)
		}
		for _, r := range replies {
			if got := <-r; got.status != 200 {
				w.Errorf("%d", got.status)
			}
		}
	})
}
