package policy

import (
	"cmp"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Gate says who may pass: everybody where All is nil and Models is empty.
type Gate struct {
	State State
	// All closes the gate for every model; nil leaves it to Models.
	All *Closure
	// Models closes it for single ones, by normalised name.
	Models map[string]Closure
}

// Closure says why requests are not let through, and what they may expect.
type Closure struct {
	Reason string // one plain sentence for clients
	// MayHold lets requests wait for the gate to open.
	MayHold bool
	// ExpectedOpen is when the gate is likely to open; zero when nobody knows.
	ExpectedOpen time.Time
	// Progress is how far a pull is; empty without one.
	Progress string
}

// Around is what the gate depends on beside the machine.
type Around struct {
	Main     string       // the model that Clawgate is there for, normalised
	API      watch.Streak // of looks at the list of models
	Sentence string       // of the present judgement
	Mending  string       // the sentence of the trouble that is being mended
	// KeptOut are the models in quarantine.
	KeptOut map[string]Closure

	Since        time.Time // of the machine's state
	TroubleSince time.Time // of the trouble that is being mended; zero without
	BackoffEnds  time.Time
	LastRecovery time.Duration // from isolation to open, the last time; 0 for never
	LastLoad     time.Duration // 0 for never
	Pull         Pull
}

// Pull is one that is under way; Since is zero without one.
type Pull struct {
	Since       time.Time
	Status      string
	Done, Total int64 // bytes
}

// GateOf closes the gate for what the trouble is about: one model, or everything.
// While Clawgate only watches it stays open.
func GateOf(m Machine, around Around, now time.Time) Gate {
	gate := Gate{State: m.State}
	if m.State != Ready && (!m.Passive || m.State == Recovering) {
		gate.close(m, around, now)
	}
	if gate.All != nil || m.Passive {
		return gate
	}
	for model, closure := range around.KeptOut {
		if _, closed := gate.Models[model]; closed || !now.Before(closure.ExpectedOpen) {
			continue
		}
		if gate.Models == nil {
			gate.Models = map[string]Closure{}
		}
		gate.Models[model] = closure
	}
	return gate
}

func (g *Gate) close(m Machine, around Around, now time.Time) {
	closure := Closure{Reason: m.explain(around), MayHold: m.State != Exhausted && m.State != Stopped, ExpectedOpen: m.expectedOpen(around, now)}
	if !around.Pull.Since.IsZero() {
		closure.Progress = around.Pull.Status
	}
	if model := m.closedModel(around); model != "" {
		g.Models = map[string]Closure{model: closure}
		return
	}
	g.All = &closure
}

// closedModel is the one model that the gate is closed for; empty for all. A
// server whose API answers serves other models while one is loaded or mended.
func (m Machine) closedModel(around Around) string {
	switch m.State {
	case Isolated, Recovering, Verifying:
		if m.Target != "" && m.Rung() != Restart && m.Rung() != Start {
			return m.Target
		}
	case Exhausted:
		if m.Target != "" && around.API.Failures == 0 {
			return m.Target
		}
	case Loading:
		if around.API.Failures == 0 && around.API.Successes > 0 || around.API.Last.Missing {
			return cmp.Or(m.Target, around.Main)
		}
	}
	return ""
}

func (m Machine) explain(around Around) string {
	switch m.State {
	case Starting:
		return "the model has not answered yet since Clawgate or Ollama started"
	case Loading:
		return "the model is being loaded"
	case Recovering, Verifying:
		return "the model is being recovered: " + around.Mending
	case Backoff:
		if around.API.Failures > 0 && around.API.Last.Missing {
			return "Ollama does not have the model, and it could not be pulled; the next try follows"
		}
		return "the model did not come back; the next try follows"
	case Exhausted:
		return "a person has to look: " + around.Sentence
	default:
		return around.Sentence
	}
}

// usualRecovery is how long a recovery takes until one was measured: the
// figure of the user that Clawgate was made for.
const usualRecovery = 42 * time.Second

// expectedOpen estimates when requests will be served again, from what the last
// recovery or load took. Zero where only a person can tell.
func (m Machine) expectedOpen(around Around, now time.Time) time.Time {
	began, usual := around.Since, usualRecovery
	switch m.State {
	case Stopped, Exhausted:
		return time.Time{}
	case Backoff:
		began = around.BackoffEnds
	case Isolated, Recovering, Verifying:
		if !around.TroubleSince.IsZero() {
			began = around.TroubleSince
		}
		if around.LastRecovery > 0 {
			usual = around.LastRecovery
		}
	case Loading:
		if done, total := around.Pull.Done, around.Pull.Total; done > 0 && total > done {
			passed := now.Sub(around.Pull.Since)
			left := time.Duration(float64(passed) * float64(total-done) / float64(done))
			return inSeconds(now.Add(left), around.Pull.Since)
		}
		if around.LastLoad > 0 {
			usual = around.LastLoad
		}
	}
	expected := began.Add(usual)
	if soon := inSeconds(now, around.Since).Add(2 * time.Second); expected.Before(soon) {
		return soon
	}
	return expected
}

// inSeconds is a time to the second, so that who is told of it is not told of every
// moment. The seconds are counted from another time: those of the wall clock, which may
// be set meanwhile, would not come out the same for who reads a record.
func inSeconds(t, from time.Time) time.Time { return from.Add(t.Sub(from).Truncate(time.Second)) }
