package runners

import (
	"slices"
	"time"
)

// Stay is a model on Ollama's own list.
type Stay struct {
	Name string // the model's title
	// For is how much longer it stays if nobody uses it, as Ollama says.
	For time.Duration
}

// ever is as good as for ever: Ollama itself says so by a time of centuries.
const ever = 365 * 24 * time.Hour

// SawList notes Ollama's list of loaded models, which was asked for at a mark. What
// was asked of a model since, or meanwhile, may have changed how long it stays.
func (l *Ledger) SawList(list []Stay, asked Mark) {
	defer l.lock()()
	l.present = map[string]bool{}
	for _, stay := range list {
		l.present[stay.Name] = true
		m, found := l.models[stay.Name]
		if !found || m.clients > 0 || m.touched > asked || m.loads.open > 0 {
			continue
		}
		if m.keepAlive = max(stay.For, 0); stay.For > ever {
			m.keepAlive = -1
		}
	}
}

// lists says that a model, or another one of its weights, was on Ollama's last list:
// what serves it next may be the runner that was there then.
func (l *Ledger) lists(m *model, name string) bool {
	for listed := range l.present {
		if listed == name || l.models[listed] == m {
			return true
		}
	}
	return false
}

// Saw notes a look at the processes, and the paths of models' weights, by title. Models
// of the same weights have one record from now on.
func (l *Ledger) Saw(look Look, weights map[string]string) {
	defer l.lock()()
	for name, path := range weights {
		m, _ := l.model(name)
		if m.weighed = true; path == "" {
			continue
		}
		if m.weights == "" {
			l.weigh(name, m, path)
		}
		m = l.models[name]
		if len(look.Serving(path)) > 0 && m.ended <= look.Mark {
			m.inMemory(look.Mark)
		}
		l.sawRunner(m, look, path)
	}
}

// sawRunner notes a model's processes. A runner that has come since the look before
// stays as long as is usual, where nobody has said anything since: what was said to the
// one before it is over.
func (l *Ledger) sawRunner(m *model, look Look, path string) {
	if look.At.IsZero() || m.looked >= look.Mark {
		return // there was none, or it was another name's turn
	}
	has := look.Serving(path)
	old := slices.ContainsFunc(has, func(pid int) bool { return slices.Contains(m.runner, pid) })
	if m.looked > 0 && len(has) > 0 && !old && m.ours == 0 && !m.told.since(m.looked) {
		m.keepAlive = l.usual
	}
	m.looked, m.runner = look.Mark, has
}

// weigh notes the path of a name's weights. A name that turns out to be another one's
// has been that all the time, so that nothing of before is certain.
func (l *Ledger) weigh(name string, m *model, path string) {
	m.weights = path
	for _, other := range l.models {
		if other != m && other.weights == path {
			l.models[name] = other
			m.join(other)
			for v := range l.visits {
				if v.model == m {
					v.model = other
				}
			}
			other.unsure, other.keepAlive = true, 0
			l.changed = l.mark
			return
		}
	}
}

// Loading notes a load of Clawgate's own; done ends it, with whether the model is
// loaded and how long it is to stay, negative for ever.
func (l *Ledger) Loading(name string) (done func(now time.Time, loaded bool, keepAlive time.Duration)) {
	defer l.lock()()
	m, _ := l.model(name)
	m.asked, m.unsure, m.given = false, false, true
	m.keepAlive = 0
	m.ours++
	began := l.mark
	m.loads.open++
	m.replaced.open++
	l.overtake(m)
	return func(now time.Time, loaded bool, keepAlive time.Duration) {
		defer l.lock()()
		for m.joined != nil {
			m = m.joined
		}
		if loaded && (m.clients == 0 || !m.told.since(began)) {
			m.keepAlive = keepAlive
		}
		m.told.closed = l.mark // by us
		if loaded {
			m.inMemory(l.mark)
		} else { // one that was called off may still evict, or be ended
			m.ended = l.mark
			l.lingers(now)
		}
		m.used = now
		m.ours--
		m.loads.close(l.mark)
		m.replaced.close(l.mark)
	}
}
