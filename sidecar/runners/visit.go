package runners

import "time"

// Ask is what an inference request asks for, as far as it decides about runners.
type Ask struct {
	Model string // normalised
	// Shared says that the name stands for whatever has no name that is known here,
	// so that each request may be for another model.
	Shared bool
	// Setup stands for what the runner has to be started with: requests of one
	// model with the same setup share its runner.
	Setup uint64
	// KeepAlive is how long the model stays after the request; nil where it does
	// not say, negative for ever.
	KeepAlive *time.Duration
	// Own says that Clawgate itself asks a model that is loaded, with what its runner
	// was started with.
	Own bool
}

// Visit is one request's time with Ollama. Its methods are called by the goroutine
// that serves the request, Begin's result first and End last.
type Visit struct {
	ledger   *Ledger
	model    *model
	ask      Ask
	loads    bool // it may have had the model loaded, and has shown nothing yet
	replaces bool // its runner may give way to another one meanwhile
	served   bool
	refused  bool // Ollama does not have the model
	doubted  bool // its end came from Ollama
}

// Begin notes a request that is about to be sent.
func (l *Ledger) Begin(ask Ask, now time.Time) *Visit {
	defer l.lock()()
	m := l.model(ask.Model)
	v := &Visit{ledger: l, model: m, ask: ask}
	v.replaces = m.unsure || !ask.Own && m.wants(ask.Setup)
	gone := !m.known || m.expired(now) || l.displaced(ask.Model, m)
	v.loads = v.replaces || gone
	if v.loads {
		m.loads.open++
	}
	if v.replaces {
		m.replaced.open++
	}
	if m.known && gone {
		m.ended = l.mark // it may be another one that serves this
	}
	if !ask.Own {
		m.want(ask)
	}
	m.known = m.known && !m.surelyExpired(now)
	m.keep(ask.KeepAlive, l.keepAlive, now)
	m.open++
	m.touched = now
	return v
}

// wants says that a setup may not be the one that the model's runner has. One that is
// there before anybody asked has one that is not known.
func (m *model) wants(setup uint64) bool {
	if !m.asked {
		return m.known
	}
	return m.setup != setup
}

// displaced says that another model was loaded since this one was last known to be in
// memory, and may have taken its place.
func (l *Ledger) displaced(name string, m *model) bool { return l.othersLoaded(name, m.seen, nil) }

// want notes the setup that a request asks for. Until it is served it is not known
// which one the runner has.
func (m *model) want(ask Ask) {
	if !m.asked {
		m.asked, m.setup = true, ask.Setup
	}
	m.unsure = m.unsure || m.setup != ask.Setup
}

// keep takes what a request says of the keep-alive. A runner keeps the last that was
// asked for, also through requests that do not say (`sessionDuration`, read in 0.9.6
// and 0.32.14); a new one begins with the usual. Until the request is served it is not
// known whether it has its way, and the shorter counts.
func (m *model) keep(asked *time.Duration, usual time.Duration, now time.Time) {
	if m.surelyExpired(now) {
		m.keepAlive = usual
	}
	if asked != nil {
		m.keepAlive = shorter(m.keepAlive, *asked)
	}
}

// shorter is the shorter of two keep-alives, of which negative ones are for ever.
func shorter(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// Served notes that the model has begun to answer. It is true if it may have been
// loaded for that: a look at the processes shows its runner.
func (v *Visit) Served() (loaded bool) {
	defer v.ledger.lock()()
	m := v.model
	v.overtaken()
	loaded, v.served = v.loads, true
	m.serving++
	v.settle()
	if !v.ask.Shared {
		m.inMemory(v.ledger.mark)
	}
	if !v.ask.Own {
		m.setup, m.unsure = v.ask.Setup, m.replaced.open > 0
	}
	if v.ask.KeepAlive != nil && m.open == 1 {
		m.keepAlive = *v.ask.KeepAlive
	}
	return loaded
}

// overtaken finds out that another model was loaded before the request was served: it
// may have been loaded again for it.
func (v *Visit) overtaken() {
	if !v.loads && v.ledger.displaced(v.ask.Model, v.model) {
		v.loads = true
		v.model.loads.open++
	}
}

// Doubted notes that the model's runner may have died under the request: who asks
// next may have it loaded again.
func (v *Visit) Doubted(now time.Time) {
	defer v.ledger.lock()()
	v.model.known, v.model.used, v.doubted = false, now, true
	v.leave()
}

// leave takes it off those that the model is serving.
func (v *Visit) leave() {
	if v.served {
		v.model.serving--
	}
	v.served = false
}

// Refused notes that Ollama does not have the model: it has loaded nothing.
func (v *Visit) Refused() {
	defer v.ledger.lock()()
	if v.loads {
		v.model.loads.open--
	}
	if v.replaces {
		v.model.replaced.open--
	}
	v.loads, v.replaces, v.refused = false, false, true
}

// End notes that the request is over, however it ended. One that was not served
// proves nothing.
func (v *Visit) End(now time.Time) {
	defer v.ledger.lock()()
	if !v.served && !v.refused {
		v.overtaken()
	}
	if v.loads && !v.doubted { // Ollama ends a load whose client has left
		v.model.ended = v.ledger.mark
	}
	v.settle()
	v.model.open--
	v.model.touched = now
	if !v.served {
		return
	}
	v.leave()
	v.model.used = now
	if v.model.known {
		v.model.inMemory(v.ledger.mark)
	}
}

func (v *Visit) settle() {
	if v.loads {
		v.model.loads.close(v.ledger.mark)
	}
	if v.replaces {
		v.model.replaced.close(v.ledger.mark)
	}
	v.loads, v.replaces = false, false
}
