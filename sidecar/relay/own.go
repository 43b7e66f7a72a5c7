package relay

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/wire"
)

// unreadBody is how long the body of a request may take that is answered without
// it: the server reads on to its end.
const unreadBody = 5 * time.Second

// serveOwn answers /-/, which is never forwarded.
func (r *Relay) serveOwn(w http.ResponseWriter, request *http.Request, clean string) {
	if request.ContentLength != 0 {
		w.Header().Set("Connection", "close")                                         // instead of waiting for what nobody wants
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadBody)) // a writer without deadlines has none to keep
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if clean != "/-/ready" {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(ollama.Native.ErrorBody(http.StatusNotFound, "there is no "+clean+" here, only /-/ready")) // nobody to tell
		return
	}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = w.Write(ollama.Native.ErrorBody(http.StatusMethodNotAllowed, "/-/ready takes GET")) // nobody to tell
		return
	}
	ready := r.readiness()
	w.Header().Set(wire.StateHeader, ready.State)
	if !ready.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(ready) // the asker is gone if this fails
}

func (r *Relay) readiness() wire.Ready {
	load := r.Load()
	a := r.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	keepAlive := keepAliveMs(r.config.KeepAlive)
	ready := wire.Ready{Instance: r.instance, Ready: a.gate.All == nil && !a.draining, State: a.gate.State, Load: load, Slots: a.slots,
		Model: ollama.NormalizeModel(r.config.Model), KeepAliveMs: &keepAlive, MayHold: true, HoldMaxMs: r.config.HoldMax.Milliseconds(), Draining: a.draining}
	if a.gate.All != nil {
		ready.MayHold = a.gate.All.MayHold
		ready.Reason = a.gate.All.sentence()
	}
	ready.Models = a.gate.told(a.models)
	return ready
}

func keepAliveMs(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}

const (
	// maxTold bounds the models that the gateway is told of. What it is not told, a
	// refused request tells it.
	maxTold = 64
	// maxToldReason bounds each reason, in bytes.
	maxToldReason = 2 << 10
)

// told says why the gate is closed for single models, by all names that they have: the
// gateway knows no other. Those of the main one come first.
func (g *Gate) told(listed *listed) map[string]string {
	if len(g.Models) == 0 {
		return nil
	}
	main, _ := listed.of(listed.main)
	titles := append([]string{main.Title}, slices.Sorted(maps.Keys(g.Models))...)
	models := map[string]string{}
	for _, title := range titles {
		closure, closed := g.Models[title]
		if !closed {
			continue
		}
		why := clipped(closure.sentence())
		for _, name := range namesOf(listed.Titled(title), listed.main) {
			if len(models) < maxTold && len(name) <= longestModel {
				models[name] = why
			}
		}
	}
	return models
}

// namesOf are those by which clients may ask for a model, the main name first, and its
// title where it has no other.
func namesOf(is ollama.Known, main string) []string {
	names := append([]string{is.Title}, is.Names...)
	if slices.Contains(is.Names, main) {
		names = append([]string{main}, names...)
	}
	return names
}

func clipped(sentence string) string {
	if len(sentence) <= maxToldReason {
		return sentence
	}
	return strings.ToValidUTF8(sentence[:maxToldReason], "") + "…"
}
