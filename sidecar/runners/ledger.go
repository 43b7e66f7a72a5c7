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
	mu        sync.Mutex
	mark      Mark          // of the newest note
	keepAlive time.Duration // where a request does not say
	models    map[string]*model
	changed   Mark      // when models were last made, copied, pulled or deleted
	changedAt time.Time // the same, by the clock
	dropped   Mark      // when a model was last dropped from the ledger
}

// model is what is known of one of them.
type model struct {
	setup     uint64        // of the request that was served last
	unsure    bool          // others were asked for since, and whether they were served is not known
	asked     bool          // anything was
	known     bool          // it was in memory at seen
	seen      Mark          // when it last did what it can only do in memory
	open      int           // requests that have not ended
	serving   int           // those of them that it has begun to answer
	used      time.Time     // when it did so, by the clock
	touched   time.Time     // when a request for it began or ended last, served or not
	keepAlive time.Duration // negative for ever
	loads     span          // in which it may have come into memory, and others have gone
	replaced  span          // in which its runner may have given way to another one
	ended     Mark          // when its runner may have ended otherwise
}

// span are stretches of time, the open ones and the end of the last.
type span struct {
	open   int
	closed Mark
}

func (s span) since(mark Mark) bool { return s.open > 0 || s.closed > mark }

func (s *span) close(mark Mark) {
	s.open--
	s.closed = mark
}

// NewLedger makes an empty one: nothing is known to be in memory.
func NewLedger() *Ledger {
	return &Ledger{keepAlive: UsualKeepAlive, models: map[string]*model{}}
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
	l.keepAlive = d
}

// Forget begins anew with a server that was started again.
func (l *Ledger) Forget(now time.Time) {
	defer l.lock()()
	l.changed, l.changedAt = l.mark, now
	for _, m := range l.models {
		m.known, m.asked, m.unsure = false, false, false
	}
}

// Changed notes that a model was made, copied, pulled or deleted: its name may
// stand for other weights from now on.
func (l *Ledger) Changed(now time.Time) {
	defer l.lock()()
	l.changed, l.changedAt = l.mark, now
}

// ChangedAt is when a name may have come to stand for other weights last.
func (l *Ledger) ChangedAt() time.Time {
	defer l.lock()()
	return l.changedAt
}

// Loading notes a load of Clawgate's own; done ends it.
func (l *Ledger) Loading(name string) (done func(now time.Time)) {
	defer l.lock()()
	m := l.model(name)
	m.asked, m.unsure = false, false // its setup is ours
	m.loads.open++
	m.replaced.open++
	return func(now time.Time) {
		defer l.lock()()
		m.used, m.touched = now, now
		m.loads.close(l.mark)
		m.replaced.close(l.mark)
	}
}

// Unloaded notes that a model was told to leave memory.
func (l *Ledger) Unloaded(name string) {
	defer l.lock()()
	if m, found := l.models[name]; found {
		m.known, m.ended = false, l.mark
	}
}

// Saw notes the models whose runners a look at the processes has shown.
func (l *Ledger) Saw(names []string, at Mark) {
	defer l.lock()()
	for _, name := range names {
		l.model(name).inMemory(at)
	}
}

func (m *model) inMemory(at Mark) { m.known, m.seen = true, max(m.seen, at) }

// Explains says that something which was asked of Ollama since a moment may have ended
// the model's runner. Unchanged are models whose runners are the same as then: what
// was asked of those has not had them loaded.
func (l *Ledger) Explains(name string, since Mark, now time.Time, unchanged []string) bool {
	defer l.lock()()
	m, found := l.models[name]
	if !found || l.changed > since || l.dropped > since {
		return true
	}
	return m.replaced.since(since) || m.ended > since || m.expired(now) ||
		l.othersLoaded(name, since, unchanged) || l.othersPending(name)
}

func (l *Ledger) othersLoaded(name string, since Mark, unchanged []string) bool {
	for other, m := range l.models {
		if other != name && m.loads.since(since) && !slices.Contains(unchanged, other) {
			return true
		}
	}
	return false
}

// othersPending says that another model, which may have lost its place, has a request
// that waits: it may be loaded for it at any moment.
func (l *Ledger) othersPending(name string) bool {
	for other, m := range l.models {
		if other != name && m.open > m.serving && l.displaced(other, m) {
			return true
		}
	}
	return false
}

// expired says that the model's time in memory may be over. One that is hardly to stay
// may go before its last answer has come here.
func (m *model) expired(now time.Time) bool {
	over := m.serving == 0 && now.Sub(m.used) >= m.keepAlive-spare
	return m.keepAlive >= 0 && (over || m.keepAlive < spare)
}

// surelyExpired says that its time in memory is over: what serves the next request is
// a new runner.
func (m *model) surelyExpired(now time.Time) bool {
	return m.open == 0 && m.keepAlive >= 0 && now.Sub(m.touched) >= m.keepAlive+spare
}

// model finds or makes a model's record. The one that was in memory least lately
// makes room for a new one, if nothing of it is open.
func (l *Ledger) model(name string) *model {
	if m, found := l.models[name]; found {
		return m
	}
	if len(l.models) >= mostModels {
		oldest := ""
		for other, m := range l.models {
			if m.open == 0 && m.loads.open == 0 && (oldest == "" || m.seen < l.models[oldest].seen) {
				oldest = other
			}
		}
		if oldest != "" {
			l.dropped = l.mark
			delete(l.models, oldest)
		}
	}
	m := &model{keepAlive: l.keepAlive}
	l.models[name] = m
	return m
}
