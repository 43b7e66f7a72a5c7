package runners

import "time"

// model is what is known of one of Ollama's. Variants of the same weights share one,
// because Ollama keeps one runner for them.
type model struct {
	name    string // the title of the first of them
	weights string // their path; empty while that is not known, and for good where there is none
	weighed bool   // Ollama has told

	setup     setup // of the request that was served last
	unsure    bool  // others were asked for since, and whether they were served is not known
	asked     bool  // anything was
	given     bool  // it was loaded by us, with a setup of our own, if nothing was asked since
	known     bool  // it was in memory at seen
	seen      Mark  // when it last did what it can only do in memory
	open      int   // requests that have not ended
	serving   int   // those of them that it has begun to answer
	used      time.Time
	touched   Mark          // when a client's request began or ended last
	clients   int           // clients' requests that have not ended
	ours      int           // loads of Clawgate's own that have not ended
	keepAlive time.Duration // it stays at least so long after used; 0 while not known, negative for ever

	loads    span // in which it may have come into memory, and others have gone
	replaced span // in which its runner may have given way to another one
	ended    Mark // when its runner may have ended otherwise
	late     lateness
	told     span   // in which requests said how long it is to stay
	looked   Mark   // of the last look that was for it
	joined   *model // the record that goes on for this one; nil for none
	runner   []int  // the processes that it had then
}

// setup is what a runner was started with. For another variant of the same weights, the
// same options mean other ones: each has parameters of its own.
type setup struct {
	hash uint64
	name string
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

// join has another record go on for this one, with what is open.
func (m *model) join(other *model) {
	m.joined = other
	other.open += m.open
	other.serving += m.serving
	other.clients += m.clients
	other.ours += m.ours
	other.touched, other.ended = max(other.touched, m.touched), max(other.ended, m.ended)
	other.loads.add(m.loads)
	other.replaced.add(m.replaced)
	other.told.add(m.told)
}

func (s *span) add(other span) {
	s.open += other.open
	s.closed = max(s.closed, other.closed)
}

func (m *model) inMemory(at Mark) { m.known, m.seen = true, max(m.seen, at) }

// expired says that the model's time in memory may be over. One that is hardly to stay
// may go before its last answer has come here.
func (m *model) expired(now time.Time) bool {
	over := m.serving == 0 && now.Sub(m.used) >= m.keepAlive-spare
	return m.keepAlive >= 0 && (over || m.keepAlive < spare)
}

// wants says that a setup may not be the one that the model's runner has. One that is
// there before anybody asked has one that is not known.
func (m *model) wants(s setup) bool {
	if !m.asked {
		return m.known || m.given
	}
	return m.setup != s
}

// want notes the setup that a request asks for. Until it is served it is not known
// which one the runner has.
func (m *model) want(s setup) {
	if !m.asked {
		m.asked, m.unsure, m.setup = true, m.given, s
	}
	m.unsure = m.unsure || m.setup != s
}

// shorter is the shorter of two keep-alives, of which negative ones are for ever.
func shorter(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
