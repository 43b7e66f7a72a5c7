package relay

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a client that asks and then reads nothing, of an Ollama that goes on
// answering until nobody takes it.
func (w *world) stuck() (client net.Conn, ended <-chan struct{}) {
	over := make(chan struct{})
	w.ollama(func(writer http.ResponseWriter, request *http.Request) {
		defer close(over)
		for request.Context().Err() == nil {
			say(writer, "word")
			time.Sleep(time.Second)
		}
	})
	client, err := w.door.dial(w.Context(), "tcp", "relay")
	if err != nil {
		w.Fatal(err)
	}
	fmt.Fprintf(client, "POST /api/chat HTTP/1.1\r\nHost: relay\r\nContent-Length: %d\r\n\r\n%s", len(chatBody), chatBody)
	synctest.Wait()
	if w.relay.Load().InFlight != 1 {
		w.Fatalf("load %+v", w.relay.Load())
	}
	return client, over
}

func TestAClientThatReadsNothingDoesNotKeepItsSlot(t *testing.T) {
	inWorld(t, func(c *Config) { c.Working = func() bool { return true } }, func(w *world) {
		client, ended := w.stuck()
		defer client.Close()
		start := time.Now()
		<-ended
		synctest.Wait()
		if took := time.Since(start); took > 5*time.Minute || w.relay.Load().InFlight != 0 {
			w.Errorf("after %v: %+v", took, w.relay.Load())
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, sign := range w.signs {
			if sign.Kind != "first_chunk" {
				w.Errorf("a client's doing was taken for Ollama's: %v", sign)
			}
		}
	})
}

func TestAClientThatReadsNothingDoesNotHoldARecoveryUp(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		client, ended := w.stuck()
		w.close(Closure{Reason: "recovering", MayHold: true})
		start := time.Now()
		if n := w.relay.Cancel(w.Context(), model, "frozen"); n != 1 || time.Since(start) > time.Second {
			w.Errorf("%d cancelled after %v", n, time.Since(start))
		}
		<-ended
		if took := time.Since(start); took > 2*time.Second {
			w.Errorf("Ollama was rid of it after %v", took)
		}
		go io.Copy(io.Discard, client)
		synctest.Wait()
		client.Close()
	})
}

func TestAClientThatReadsNothingMoreDoesNotHoldTheEndOfItsAnswerUp(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			say(writer, "half")
			time.Sleep(time.Second)
			panic(http.ErrAbortHandler)
		})
		client, err := w.door.dial(w.Context(), "tcp", "relay")
		if err != nil {
			w.Fatal(err)
		}
		defer client.Close()
		go fmt.Fprintf(client, "POST /api/chat HTTP/1.1\r\nHost: relay\r\nContent-Length: %d\r\n\r\n%s", len(chatBody), chatBody)
		if n, err := client.Read(make([]byte, 4096)); n == 0 || err != nil {
			w.Fatal(n, err)
		}
		time.Sleep(time.Minute)
		if load := w.relay.Load(); load.InFlight != 0 {
			w.Errorf("its slot is still taken: %+v", load)
		}
	})
}
