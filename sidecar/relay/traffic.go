package relay

import (
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/wire"
)

// Traffic is what live inference shows now. It may be called from any goroutine.
func (r *Relay) Traffic() evidence.Traffic {
	a := r.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	traffic := evidence.Traffic{SeenAt: time.Now(), Waiting: a.waiting}
	for f := range a.flights {
		traffic.InFlight = append(traffic.InFlight, f.seen())
	}
	for _, l := range a.lanes {
		for _, f := range l.all() {
			if traffic.OldestWaiting.IsZero() || f.arrived.Before(traffic.OldestWaiting) {
				traffic.OldestWaiting = f.arrived
			}
		}
	}
	return traffic
}

func (f *flight) seen() evidence.Request {
	at := func(age int64) time.Time {
		if age == 0 {
			return time.Time{}
		}
		return f.arrived.Add(time.Duration(age))
	}
	return evidence.Request{
		Model: f.subject.Load().model.Title, Streaming: f.peek.Streaming, SentAt: f.sentAt,
		FirstChunkAt: at(f.firstPiece.Load()), LastChunkAt: at(f.lastPiece.Load()),
		PromptTokens: int(f.bodyBytes / bytesPerToken), Embeds: f.route.Embedding,
	}
}

// bytesPerToken is a usual figure for text; requests with images are far fewer
// tokens than their bytes say, which makes the patience with them longer.
const bytesPerToken = 4

// Load counts the requests and the memory for the gauges.
func (r *Relay) Load() wire.Load {
	a := r.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	load := wire.Load{InFlight: len(a.flights), BufferedBytes: r.room.Used()}
	for _, l := range a.lanes {
		if a.gate.closure(l.name) != nil {
			load.Held += len(l.all())
		}
	}
	load.Queued = a.waiting - load.Held
	return load
}

// loadedOptions remembers what each model's runner was started with.
type loadedOptions struct {
	mu    sync.Mutex
	known map[string]ollama.RunnerOptions // by title
}

// maxKnownModels bounds the memory for names, which clients choose; only names
// that Ollama answered for get here.
const maxKnownModels = 256

func (o *loadedOptions) remember(model string, options ollama.RunnerOptions) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil || len(o.known) >= maxKnownModels {
		o.known = map[string]ollama.RunnerOptions{}
	}
	o.known[model] = options
}

// RunnerOptions are the options of the last request that the model of that title has
// begun to answer: what its runner was started with. They are empty after a request
// to /v1, where Ollama ignores options. It is false when no request has shown them.
func (r *Relay) RunnerOptions(model string) (ollama.RunnerOptions, bool) {
	r.options.mu.Lock()
	defer r.options.mu.Unlock()
	options, known := r.options.known[model]
	return options, known
}

// forgetRunnerOptions is called when a model was unloaded, and with it what is in
// memory of its place; with an empty name, of a body that tells none, it forgets those
// of every model.
func (r *Relay) forgetRunnerOptions(model ollama.Known) {
	r.options.mu.Lock()
	defer r.options.mu.Unlock()
	if model.Title == "" {
		clear(r.options.known)
		return
	}
	delete(r.options.known, model.Title)
	for _, other := range r.models.Load().At(model.Place) {
		delete(r.options.known, other.Title)
	}
}
