package relay

import (
	"maps"
	"time"
)

// Gate says which models may be asked. It is a value: the supervisor gives the
// relay a new one at every change.
type Gate struct {
	// State is the supervisor's, for the Clawgate-State header and /-/ready.
	State string
	// All closes the gate for every model; nil leaves it to Models.
	All *Closure
	// Models closes it for single ones, by title (ollama.Known).
	Models map[string]Closure
	// Proved are the titles of the models that have given a token or a vector in this
	// run of the server. One request at a time is sent to any other, until it has got
	// its first chunk or has ended. Nil means that nobody keeps count, and all count
	// as proved.
	Proved map[string]bool
	// Trial lets one request at a time through although All is closed, of a model that
	// Models does not close: nothing has answered since the server was started again,
	// and its first token is the proof.
	Trial bool
}

// Closure says why requests are not let through, and what they may expect.
type Closure struct {
	// Reason is one plain sentence for clients.
	Reason string
	// MayHold lets requests wait for the gate to open. Without it even those
	// that asked to wait, and those that wait already, are refused at once.
	MayHold bool
	// ExpectedOpen is when the gate is likely to open; zero when nobody knows.
	ExpectedOpen time.Time
	// Progress is how far the remedy is ("pulling: 42 %"), or empty.
	Progress string
	// HoldFor is how long a request may be held at least, whatever Hold or the
	// client's own wait says, because it is about to be decided whether it can be
	// served; 0 for no such time. One that was told to wait for nothing is not held:
	// the gateway says so where another relay would serve it.
	HoldFor time.Duration
}

const (
	// opaqueLane is the lane of requests whose model could not be found out though
	// Ollama might find one, and of those for a name that is not known to be one of
	// its models. It is closed as soon as any model is.
	opaqueLane = "?"
	// remoteLane is the lane of models that another machine runs and Ollama does not
	// list: nothing that happens to a model here concerns them.
	remoteLane = "?remote"
)

// closure is what closes the gate for a lane; nil while it is open. A lane
// without a name is that of bodies that are not JSON: Ollama refuses those itself.
func (g *Gate) closure(lane string) *Closure {
	if g.All == nil {
		return g.closes(lane)
	}
	if own := g.closes(lane); g.Trial && own != nil && lane != opaqueLane {
		return own // the others may hope for the trial, and this one may not
	}
	return g.All
}

// closes is what closes the gate for a lane, and not for all.
func (g *Gate) closes(lane string) *Closure {
	if lane == opaqueLane {
		for _, closure := range g.Models {
			return &closure
		}
		return nil
	}
	if closure, closed := g.Models[lane]; closed {
		return &closure
	}
	return nil
}

// sentence is what a refused client reads.
func (c *Closure) sentence() string {
	if c.Progress == "" {
		return c.Reason
	}
	return c.Reason + " (" + c.Progress + ")"
}

// SetGate opens and closes the gate. Requests that wait are sent or refused
// accordingly; those in flight go on. It may be called from any goroutine and
// does not block.
func (r *Relay) SetGate(gate Gate) {
	gate.Models, gate.Proved = maps.Clone(gate.Models), maps.Clone(gate.Proved)
	r.admission.setGate(&gate)
}
