package policy

import (
	"cmp"
	"time"
)

// Gate says who may pass: everybody where All is nil and Models is empty.
type Gate struct {
	State State
	// All closes the gate for every model; nil leaves it to Models.
	All *Closure
	// Models closes it for single ones, by title.
	Models map[string]Closure
	// Proved are the models that have answered in this run of the server. Of any other
	// one request at a time is let through, until it has. Nil says that nobody minds.
	Proved map[string]bool
	// Trial lets one request at a time through although All is closed, of a model that
	// Models does not close: its first token is the proof that the server works.
	Trial bool
}

// Closure says why requests are not let through, and what they may expect.
type Closure struct {
	Reason string // one plain sentence for clients
	// MayHold lets requests wait for the gate to open, and HoldFor has them wait for at
	// least that long, whatever was asked for.
	MayHold bool
	HoldFor time.Duration
	// ExpectedOpen is when the gate is likely to open; zero when nobody knows.
	ExpectedOpen time.Time
	// Progress is how far a pull is; empty without one.
	Progress string
}

// Around is what the gate depends on beside the machine.
type Around struct {
	Main     string // the model that Clawgate is there for
	Sentence string // of the present judgement
	Mending  string // the sentence of the trouble that is being mended
	// LoadFailed says in words why the model that the machine is about could not be
	// loaded; empty where it was not tried, or nobody knows.
	LoadFailed string
	// KeptOut are the models in quarantine, and Proved those that have answered in this
	// run of the server.
	KeptOut map[string]Closure
	Proved  map[string]bool
	// MainOut closes the main model, which cannot be loaded, while the machine stands for
	// another one's trouble; nil where it can.
	MainOut *Closure
	// SamePlace are the models that have the runner of the one that the machine is about,
	// with that one.
	SamePlace []string

	// Heard says that the server has told what models it has, and has not been silent
	// since for long enough to be in question. Missing says that the main one is not
	// among them.
	Heard, Missing bool
	// InDoubt says that no model has answered since the server was restarted.
	InDoubt bool
	// Works says that the server is seen at work on something that keeps the first proof
	// waiting.
	Works bool
	// Untroubled says that nothing has failed since Clawgate began to look.
	Untroubled bool
	// RestartWaits says that the restart that is due waits for the other models.
	RestartWaits bool

	Since        time.Time // of the machine's state
	TroubleSince time.Time // of the trouble that is being mended; zero without
	BackoffEnds  time.Time
	LastRecovery time.Duration // from isolation to open, the last time; 0 for never
	LastLoad     time.Duration // 0 for never
	LoadTimeout  time.Duration // as configured
	Pull         Pull
}

// Pull is one that is under way; Since is zero without one.
type Pull struct {
	Since       time.Time
	Status      string
	Done, Total int64 // bytes
}

const (
	// proofTakes is how long a request is held for the first proof of a model, and how long
	// a server at work is asked for one before it counts as busy.
	proofTakes = 10 * time.Second
	// mainFirst is how long the main model goes before all others in a server that was
	// restarted and has not answered since.
	mainFirst = 30 * time.Second
)

// GateOf closes the gate for what the trouble is about: one model, or everything.
// While Clawgate only watches it stays open.
func GateOf(m Machine, around Around, now time.Time) Gate {
	gate := Gate{State: m.State}
	if m.State != Ready && (!m.Passive || m.State == Recovering) {
		gate.close(m, around, now)
	}
	if !m.Passive {
		gate.Proved = around.Proved
	}
	if gate.All != nil && !gate.Trial || m.Passive {
		return gate
	}
	if around.MainOut != nil {
		gate.closeFor(around.Main, *around.MainOut)
	}
	for model, closure := range around.KeptOut {
		if now.Before(closure.ExpectedOpen) {
			gate.closeFor(model, closure)
		}
	}
	return gate
}

// closeFor closes the gate for one model, if it is not closed for that already.
func (g *Gate) closeFor(model string, closure Closure) {
	if _, closed := g.Models[model]; closed {
		return
	}
	if g.Models == nil {
		g.Models = map[string]Closure{}
	}
	g.Models[model] = closure
}

func (g *Gate) close(m Machine, around Around, now time.Time) {
	closure := Closure{
		Reason: m.explain(around), MayHold: m.State != Exhausted && m.State != Stopped, HoldFor: m.holdFor(around),
		ExpectedOpen: m.expectedOpen(around, now),
	}
	if !around.Pull.Since.IsZero() {
		closure.Progress = around.Pull.Status
	}
	all, models := m.shuts(around, now)
	if all {
		g.All = &closure
		if g.Trial = m.trial(around, now); !g.Trial {
			return
		}
		waits := closure
		waits.MayHold, waits.Reason = true, "no model has answered since Ollama was restarted"
		g.All = &waits
	}
	for _, model := range models {
		g.closeFor(model, closure)
	}
}

// shuts says what the gate is closed for: everything where the server itself is in
// question, or is about to be stopped; else one model, with all that have its runner
// while that is mended.
func (m Machine) shuts(around Around, now time.Time) (all bool, models []string) {
	one := []string{cmp.Or(m.Target, around.Main)}
	switch m.State {
	case Isolated, Recovering, Verifying:
		cuts := m.Plan.Rung != NoRung && m.Plan.Rung.Cuts() && (m.State == Recovering || !around.RestartWaits)
		return m.Target == "" && m.State != Verifying || cuts || around.InDoubt, around.SamePlace
	case Starting, Loading, Backoff:
		if m.State == Starting && around.Works && now.Sub(around.Since) >= proofTakes {
			one = nil // it is busy, and its first client is the proof
		}
		return !around.Heard || around.InDoubt, one
	case Exhausted:
		return m.Target == "" || !around.Heard || around.InDoubt, one
	default: // Stopped
		return true, nil
	}
}

// trial says that a request of another model may show whether the server works: the main
// one cannot, or has had its time.
func (m Machine) trial(around Around, now time.Time) bool {
	switch {
	case !around.InDoubt, !around.Heard, m.Draining():
		return false
	case m.State == Starting, m.State == Loading, m.State == Verifying:
		return around.Missing || now.Sub(around.Since) >= mainFirst
	case m.State == Exhausted:
		return m.Target != ""
	}
	return m.State == Backoff
}

// holdFor is how long requests wait at least. Who came before the first proof waits for
// it, and for a load as for Ollama's own.
func (m Machine) holdFor(around Around) time.Duration {
	switch {
	case m.State == Starting:
		return proofTakes
	case m.State == Loading && around.Untroubled && around.Pull.Since.IsZero() && !around.Missing:
		return around.LoadTimeout
	}
	return 0
}

func (m Machine) explain(around Around) string {
	switch m.State {
	case Starting:
		return "the model has not answered yet since Clawgate or Ollama started"
	case Loading:
		if around.Missing && around.Pull.Since.IsZero() {
			return around.Sentence
		}
		return "the model is being loaded"
	case Recovering, Verifying:
		return "the model is being recovered: " + around.Mending
	case Backoff:
		switch {
		case around.Missing:
			return "Ollama does not have the model, and it could not be pulled; the next try follows"
		case around.LoadFailed != "":
			return "the model could not be loaded: " + around.LoadFailed + "; the next try follows"
		}
		return "the model did not come back; the next try follows"
	case Exhausted:
		if around.LoadFailed != "" {
			return "a person has to look: " + around.Sentence + "; when it was loaded last: " + around.LoadFailed
		}
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
