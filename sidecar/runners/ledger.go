package runners

import (
	"slices"
	"sync"
	"time"
)

const (
	// UsualKeepAlive is how long Ollama keeps a model that nobody uses, where neither
	// a request nor OLLAMA_KEEP_ALIVE says otherwise.
	UsualKeepAlive = 5 * time.Minute
	// spare is taken off every keep-alive: Ollama counts from another moment.
	spare = 5 * time.Second
	// mostModels bounds the ledger; the ones in use are few.
	mostModels = 256
)

// Mark is a moment in the ledger: what was noted after it has a later one. Times would
// not tell the order of what happens in the same instant.
type Mark uint64

// Ledger keeps which requests may have had Ollama start a runner or end one. Its
// methods may be called from any goroutine.
type Ledger struct {
	mu      sync.Mutex
	mark    Mark          // of the newest note
	usual   time.Duration // the keep-alive where a request does not say
	models  map[string]*model
	visits  map[*Visit]bool // that have not ended
	late    lateness
	unnamed int             // unloads under way of names whose weights are not known
	present map[string]bool // models on Ollama's last list; nil before the first

	changed   Mark      // when models were last made, copied, pulled or deleted
	changedAt time.Time // the same, by the clock
	dropped   Mark      // when a model of which something was known was dropped from the ledger
}

// NewLedger makes an empty one: nothing is known to be in memory.
func NewLedger() *Ledger {
	return &Ledger{usual: UsualKeepAlive, models: map[string]*model{}, visits: map[*Visit]bool{}}
}

// lock takes the ledger for one note, or one question, which has a mark of its own.
func (l *Ledger) lock() (unlock func()) {
	l.mu.Lock()
	l.mark++
	return l.mu.Unlock
}

// Mark is the present moment.
func (l *Ledger) Mark() Mark {
	defer l.lock()()
	return l.mark
}

// SetKeepAlive takes the server's default, from its OLLAMA_KEEP_ALIVE; negative for ever.
func (l *Ledger) SetKeepAlive(d time.Duration) {
	defer l.lock()()
	if d == l.usual {
		return
	}
	l.usual = d
	for _, m := range l.models {
		m.keepAlive = shorter(m.keepAlive, d)
	}
}

// Forget begins anew with a server that was started again.
func (l *Ledger) Forget(now time.Time) {
	defer l.lock()()
	l.present = nil
	l.renew(now)
	for _, m := range l.models {
		m.asked, m.unsure, m.given, m.keepAlive = false, false, false, 0
	}
}

// Changed notes that a model was made, copied, pulled or deleted: its name may
// stand for other weights from now on.
func (l *Ledger) Changed(now time.Time) {
	defer l.lock()()
	l.renew(now)
}

// renew forgets which names share weights, and what is in memory.
func (l *Ledger) renew(now time.Time) {
	l.changed, l.changedAt = l.mark, now
	for name, m := range l.models {
		if m.name != name {
			delete(l.models, name)
			continue
		}
		m.weights, m.weighed, m.known = "", false, false
		l.late.join(m.late) // it may concern another one
		m.late = lateness{}
	}
}

// Outdated says that a look should be taken anew: what may have ended runners is over,
// and that look was before its end.
func (l *Ledger) Outdated(look Look, now time.Time) bool {
	defer l.lock()()
	for s := range l.lateness() {
		if s.outdates(look, now) {
			return true
		}
	}
	return l.changed > look.Mark
}

// ChangedAt is when a name may have come to stand for other weights last.
func (l *Ledger) ChangedAt() time.Time {
	defer l.lock()()
	return l.changedAt
}

// Unloading notes that a model is being told to leave memory; told says when that is
// over, and whether Ollama has such a model. It goes when it is no longer in use, and its
// process a while later. It is in use as long as requests overlap, also those that come
// after this one.
func (l *Ledger) Unloading(name string, now time.Time) (told func(now time.Time, found bool)) {
	defer l.lock()()
	if m, known := l.models[name]; known && m.weights != "" {
		l.unloads(m, now)
		return func(now time.Time, _ bool) {
			defer l.lock()()
			l.unloads(m, now)
		}
	}
	l.unnamed++ // the name may be any other one's
	return func(now time.Time, found bool) {
		defer l.lock()()
		l.unnamed--
		if !found {
			return
		}
		if m, known := l.models[name]; known {
			m.known, m.ended = false, l.mark
		}
		for _, m := range l.models {
			l.leaves(m)
		}
		l.lingers(now)
	}
}

func (l *Ledger) unloads(m *model, now time.Time) {
	for m.joined != nil {
		m = m.joined
	}
	m.known, m.ended = false, l.mark
	l.leaves(m)
	l.lingersOn(m, now)
}

// leaves notes that the model's runner ends with its present use. It may be one that
// nobody has seen yet.
func (l *Ledger) leaves(m *model) {
	m.keepAlive = 0
	if m.loads.since(m.looked) || m.replaced.since(m.looked) {
		m.told.closed = l.mark
	}
}

// Explains says that something which was asked of Ollama since a look may have ended
// the model's runner. Unchanged are models whose runners are the same as then: what
// was asked of those has not had them loaded.
func (l *Ledger) Explains(name string, since Look, now time.Time, unchanged []string) bool {
	defer l.lock()()
	m, found := l.models[name]
	if !found || l.changed > since.Mark || l.dropped > since.Mark || l.late.since(since, now) || m.late.since(since, now) || l.unnamed > 0 {
		return true
	}
	return m.replaced.since(since.Mark) || m.ended > since.Mark || m.expired(now) ||
		l.othersLoaded(m, since.Mark, unchanged) || l.othersPending(m)
}

// othersLoaded says that another model may have been loaded since a moment, and may
// have taken this one's place.
func (l *Ledger) othersLoaded(m *model, since Mark, unchanged []string) bool {
	for _, other := range l.models {
		if other != m && other.loads.since(since) && !slices.Contains(unchanged, other.name) {
			return true
		}
	}
	return false
}

// othersPending says that another model, which may have lost its place, has a request
// that waits: it may be loaded for it at any moment.
func (l *Ledger) othersPending(m *model) bool {
	for _, other := range l.models {
		if other != m && other.open > other.serving && l.displaced(other) {
			return true
		}
	}
	return false
}

// displaced says that another model was loaded since this one was last known to be in
// memory, and may have taken its place.
func (l *Ledger) displaced(m *model) bool { return l.othersLoaded(m, m.seen, nil) }

// model finds or makes a model's record. The one that was in memory least lately
// makes room for a new one, if nothing of it is open.
func (l *Ledger) model(name string) (m *model, made bool) {
	if m, found := l.models[name]; found {
		return m, false
	}
	if len(l.models) >= mostModels {
		l.drop()
	}
	m = &model{name: name}
	if l.present != nil && !l.present[name] {
		m.keepAlive = l.usual // its runner is yet to come
	}
	l.models[name] = m
	return m, true
}

func (l *Ledger) drop() {
	var oldest *model
	for _, m := range l.models {
		if m.open == 0 && m.loads.open == 0 && (oldest == nil || m.seen < oldest.seen) {
			oldest = m
		}
	}
	if oldest == nil {
		return
	}
	if oldest.seen > 0 || oldest.loads.closed > 0 {
		l.dropped = l.mark
	}
	for name, m := range l.models {
		if m == oldest {
			delete(l.models, name)
		}
	}
}
