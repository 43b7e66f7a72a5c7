package relay

import (
	"encoding/json"
	"fmt"
	"github.com/clawdbot/clawgate/wire"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// aliases are spellings that newer releases of Ollama take for the model, most of
// them older ones, too.
var aliases = []string{
	"qwen3:32b", "QWEN3:32B", " qwen3:32b", "\tqwen3:32b\n", "qwen3:32b:local", "qwen3:32b:LOCAL ", "library/qwen3:32b",
	"registry.ollama.ai/library/qwen3:32b", "https://registry.ollama.ai/library/qwen3:32b:Local",
}

func asking(name string) string {
	text, _ := json.Marshal(map[string]any{"model": name, "messages": []any{map[string]string{"content": "hello"}}})
	return string(text)
}

func TestAliasesOfAModelAreOneGate(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "its runner died three times"}}})
		for _, name := range append(aliases, strings.Repeat(" ", 32<<10)+model, "qwen3:32b@sha256:0", "qwen3 : 32b", strings.Repeat("x", 8<<10)) { // the last are those of releases to come
			if got := w.post("/api/chat", asking(name)); got.status != 503 || !strings.Contains(got.body, "three times") {
				w.Errorf("%.50q: %d %s", name, got.status, got.body)
			}
		}
		for _, name := range []string{"m", "m:latest:local", "m:local", "gpt-oss:120b-cloud"} {
			if got := w.post("/api/chat", asking(name)); got.status != 200 {
				w.Errorf("%q: %d", name, got.status)
			}
		}
	})
}

func TestAliasesOfAModelAreOneLaneAndOneLimit(t *testing.T) {
	inWorld(t, func(c *Config) { c.QueueLength = 100 }, func(w *world) {
		release := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, request *http.Request) { <-release; chat("hi")(writer, request) })
		var replies []<-chan reply
		for _, name := range aliases {
			replies = append(replies, w.later("/api/chat", asking(name)))
		}
		if load := w.relay.Load(); load.InFlight != 2 || load.Queued != len(aliases)-2 {
			w.Errorf("%+v", load)
		}
		for _, request := range w.relay.Traffic().InFlight {
			if request.Model != model {
				w.Errorf("%+v", request)
			}
		}
		close(release)
		for _, r := range replies {
			<-r
		}
		synctest.Wait()
		for _, sign := range w.signs {
			if sign.Model != model {
				w.Errorf("%+v", sign)
			}
		}
	})
}

func TestNamesThatAreNotKnownShareOneLane(t *testing.T) {
	inWorld(t, func(c *Config) { c.QueueLength = 100 }, func(w *world) {
		release := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, request *http.Request) { <-release; chat("hi")(writer, request) })
		var replies []<-chan reply
		for i := range 20 {
			replies = append(replies, w.later("/api/chat", asking(fmt.Sprintf("made-up-%d", i))))
		}
		if load := w.relay.Load(); load.InFlight != 2 || load.Queued != 18 || len(w.relay.admission.lanes) != 1 {
			w.Errorf("%+v, %d lanes", load, len(w.relay.admission.lanes))
		}
		remote := w.later("/api/chat", asking("gpt-oss:cloud")) // which another machine works on
		known := w.later("/api/chat", asking("m"))
		if load := w.relay.Load(); load.InFlight != 4 {
			w.Errorf("%+v", load)
		}
		close(release)
		for _, r := range append(replies, remote, known) {
			if got := <-r; got.status != 200 {
				w.Errorf("%+v", got)
			}
		}
		synctest.Wait()
		for _, sign := range w.signs {
			if sign.Model != "" && sign.Model != "m:latest" {
				w.Errorf("%+v: evidence about a name that only a client knows", sign)
			}
		}
		if _, known := w.relay.RunnerOptions("made-up-1:latest"); known {
			w.Error("made-up names are remembered")
		}
	})
}

func TestANameIsKnownOnceOllamaListsIt(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "loading"}}})
		if got := w.post("/api/chat", asking("new:1b")); got.status != 503 {
			w.Errorf("%d", got.status)
		}
		w.relay.SetModels(listing(model, "New:1b"))
		if got := w.post("/api/chat", asking("new:1b")); got.status != 200 {
			w.Errorf("%d", got.status)
		}
	})
}

func TestItsOwnModelIsKnownBeforeAnyListIs(t *testing.T) {
	r := New(Config{Model: "Qwen3:32b"})
	if is, known := r.models.Load().of(model); !known || is.Title != model {
		t.Errorf("%q %v", is.Title, known)
	}
}

func TestWhatTheGatewayIsToldIsBounded(t *testing.T) {
	inWorld(t, func(c *Config) { c.Model, c.KeepAlive = model, -time.Second }, func(w *world) {
		gate := Gate{State: "ready", Models: map[string]Closure{model: {Reason: "the main one"}, strings.Repeat("n", 64<<10): {Reason: "x"}}}
		for i := range 1000 {
			gate.Models[fmt.Sprintf("m%d:latest", i)] = Closure{Reason: strings.Repeat("é", 64<<10)}
		}
		w.relay.SetGate(gate)
		answer, err := w.client.Get("http://relay/-/ready")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		var said wire.Ready
		if err := json.Unmarshal(text, &said); err != nil || len(text) > 512<<10 {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		if len(said.Models) != maxTold || said.Models[model] != "the main one" || said.Model != model || *said.KeepAliveMs != -1 {
			t.Errorf("%d models, %q, %+v", len(said.Models), said.Models[model], said.KeepAliveMs)
		}
	})
}
