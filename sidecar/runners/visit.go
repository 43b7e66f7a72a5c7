package runners

import "time"

// Ask is what an inference request asks for, as far as it decides about runners.
type Ask struct {
	Model string // its title
	// Shared says that the name stands for whatever has no name that is known here,
	// so that each request may be for another model.
	Shared bool
	// Setup stands for what the runner has to be started with: requests for one model
	// with the same setup share its runner.
	Setup uint64
	// KeepAlive is how long the model stays after the request; nil where it does
	// not say, negative for ever.
	KeepAlive *time.Duration
	// Unread says that setup and keep-alive are not known: the body was too large.
	Unread bool
	// Own says that Clawgate itself asks a model that is loaded, with what its runner
	// was started with.
	Own bool
	// Guessed says with Own that the model may not be loaded, and that what its runner
	// was started with is only remembered: another setup may be asked for.
	Guessed bool
}

// Visit is one request's time with Ollama. Its methods are called by the goroutine
// that serves the request, Begin's result first and End last.
type Visit struct {
	ledger   *Ledger
	model    *model
	ask      Ask
	began    time.Time
	made     bool // the model's record
	fresh    bool // if a runner serves it, that is a new one
	loads    bool // it may have had the model loaded, or one whose weights are not known, and has shown nothing yet
	replaces bool // its runner may give way to another one meanwhile
	loaded   bool // it may have had the model loaded, whatever it has shown since
	served   bool
	refused  bool // it was not asked, or Ollama does not have it
	doubted  bool // its end came from Ollama
	answered bool // the whole of an answer did
}

// Begin notes a request that is about to be sent.
func (l *Ledger) Begin(ask Ask, now time.Time) *Visit {
	defer l.lock()()
	m, made := l.model(ask.Model)
	v := &Visit{ledger: l, model: m, ask: ask, began: now, made: made}
	v.fresh = !m.known && l.present != nil && !l.lists(m, ask.Model)
	v.replaces = m.unsure || ask.Unread || ask.Guessed || !ask.Own && m.wants(v.setup())
	gone := !m.known || m.expired(now) || l.displaced(m)
	v.loaded = v.replaces || gone
	v.loads = v.loaded || !m.weighed
	if v.replaces {
		m.replaced.open++
		l.overtake(m)
	}
	if v.tells() {
		m.told.open++
	}
	if v.loads {
		m.loads.open++
		if !v.fresh {
			m.keepAlive = shorter(m.keepAlive, l.usual) // a new runner begins with that
		}
	}
	if m.known && gone {
		m.ended = l.mark // it may be another one that serves this
	}
	if !ask.Own {
		m.clients++
		m.touched = l.mark
		m.want(v.setup())
	}
	m.keepAlive = v.keep()
	m.open++
	l.visits[v] = true
	return v
}

// overtake notes that a new setup is asked for while requests wait: Ollama may come to
// them only after it, and start a runner for theirs again.
func (l *Ledger) overtake(m *model) {
	for v := range l.visits {
		if v.model != m || v.served || v.refused || v.doubted {
			continue
		}
		if !v.replaces {
			v.replaces = true
			m.replaced.open++
		}
		v.loaded = true
		if !v.loads {
			v.loads = true
			m.loads.open++
		}
	}
}

func (v *Visit) setup() setup { return setup{v.ask.Setup, v.ask.Model} }

// keep is the keep-alive that the model surely has, whether the request has its way
// or not. A runner keeps the last that was asked for, also through requests that do
// not say (`sessionDuration`, read in 0.9.6 and 0.32.14).
func (v *Visit) keep() time.Duration {
	switch {
	case v.ask.Unread:
		return 0
	case v.ask.KeepAlive != nil:
		return shorter(v.model.keepAlive, *v.ask.KeepAlive)
	}
	return v.model.keepAlive
}

// tells says that the request decides how long the model stays.
func (v *Visit) tells() bool { return v.ask.KeepAlive != nil || v.ask.Unread }

// Loads says that the model may have to be loaded for the request.
func (v *Visit) Loads() bool {
	defer v.ledger.lock()()
	return v.loads
}

// Served notes that the model has begun to answer. It is true if it may have been
// loaded for that: a look at the processes shows its runner.
func (v *Visit) Served() (loaded bool) {
	defer v.ledger.lock()()
	m := v.model
	v.overtaken()
	loaded, v.served = v.loads, true
	if v.ask.Own && v.replaces {
		m.unsure = true // the runner may have a setup of before
	}
	m.serving++
	v.settle()
	v.settleAlike()
	if !v.ask.Shared {
		m.inMemory(v.ledger.mark)
	}
	if !v.ask.Own {
		m.setup, m.unsure = v.setup(), m.replaced.open > 0 || v.ask.Unread
	}
	if v.ask.KeepAlive != nil && m.open == 1 && !v.ask.Unread {
		m.keepAlive = *v.ask.KeepAlive
	}
	v.tellsOthers()
	return loaded
}

// tellsOthers notes how long a model stays that has no name here: it may be any one.
func (v *Visit) tellsOthers() {
	if !v.ask.Shared || !v.tells() {
		return
	}
	keep := time.Duration(0)
	if !v.ask.Unread {
		keep = *v.ask.KeepAlive
	}
	for _, m := range v.ledger.models {
		m.told.closed, m.keepAlive = v.ledger.mark, shorter(m.keepAlive, keep)
	}
}

// overtaken finds out that another model was loaded before the request was served: it
// may have been loaded again for it.
func (v *Visit) overtaken() {
	if !v.loads && v.ledger.displaced(v.model) {
		v.loads, v.loaded = true, true
		v.model.loads.open++
	}
}

// LoadExplains says that a load may explain why the model took its time.
func (v *Visit) LoadExplains() bool {
	defer v.ledger.lock()()
	return v.loaded
}

// Doubted notes that the model's runner may have died under the request: who asks
// next may have it loaded again.
func (v *Visit) Doubted(now time.Time) {
	defer v.ledger.lock()()
	v.model.known, v.model.used, v.doubted = false, now, true
	v.leave()
}

// Answered notes that Ollama's answer is whole, whatever it says: nothing that was asked
// for takes effect later.
func (v *Visit) Answered() {
	defer v.ledger.lock()()
	v.answered = true
}

// leave takes it off those that the model is serving.
func (v *Visit) leave() {
	if v.served {
		v.model.serving--
	}
	v.served = false
}

// Refused notes that the model was not asked after all, or that Ollama does not have
// it: nothing was loaded.
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
// proves nothing, and what it asked for may still come.
func (v *Visit) End(now time.Time) {
	defer v.ledger.lock()()
	m, l := v.model, v.ledger
	if !v.served && !v.refused {
		v.overtaken()
		v.tellsOthers()
	}
	if v.loads && !v.doubted && !v.answered { // Ollama ends a load whose client has left
		m.ended = l.mark
		l.lingers(now)
	}
	v.settle()
	m.open--
	if v.tells() {
		m.told.close(l.mark)
	}
	if !v.ask.Own {
		m.clients--
		m.touched = l.mark
	}
	l.passed(v, now)
	switch {
	case v.served:
		v.leave()
		m.used = now
		if m.known {
			m.inMemory(l.mark)
		}
	case v.refused && v.made && m.open+m.loads.open == 0 && l.models[v.ask.Model] == m:
		delete(l.models, v.ask.Model)
	}
}

// settleAlike notes that the setup which serves the request is that of those, too,
// that wait for the same: unless something else waits as well, no runner gives way to
// theirs any more.
func (v *Visit) settleAlike() {
	if v.ask.Own || v.ask.Unread || v.ask.Shared || v.model.ours > 0 {
		return
	}
	var alike []*Visit
	for other := range v.ledger.visits {
		if other.model != v.model || !other.replaces {
			continue
		}
		if other.ask.Own || other.ask.Unread || other.setup() != v.setup() {
			return
		}
		alike = append(alike, other)
	}
	for _, other := range alike {
		other.replaces = false
		v.model.replaced.close(v.ledger.mark)
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
