package runners

import (
	"iter"
	"maps"
	"time"
)

// lateness is what takes effect after the request for it is over. Ollama evicts, and
// unloads, a runner that is in use only when that use ends, for whoever asked, also
// when the client has left since; and its process goes on for a while, until Ollama
// has seen the memory come back (`processPending`, `waitForVRAMRecovery`, read in 0.9.6
// and 0.32.14).
type lateness struct {
	behind map[*Visit]bool // requests that it has to wait for
	until  time.Time       // when it is over, once those have ended
	mark   Mark            // of the newest
}

// lost is how long a request of Clawgate's own is waited for. It asks for one token:
// what Ollama has not answered by then it has lost, and such a request never ends.
const lost = time.Hour

// waits says that requests have to end first.
func (s *lateness) waits(now time.Time) bool {
	for v := range s.behind {
		if !v.ask.Own || now.Sub(v.began) < lost {
			return true
		}
	}
	return false
}

// afterwards is how long the process of a runner that was told to end may go on.
const afterwards = 10 * time.Second

// lingers notes that something was asked that may take effect later, on whatever runs.
func (l *Ledger) lingers(now time.Time) { l.late.begin(l, now, func(*Visit) bool { return true }) }

// lingersOn notes the same of something that concerns one model, whose weights are
// known: only its own requests are in the way, and those of names that may be its.
func (l *Ledger) lingersOn(m *model, now time.Time) {
	m.late.begin(l, now, func(v *Visit) bool { return v.model == m || v.model.weights == "" })
}

func (s *lateness) begin(l *Ledger, now time.Time, waitsFor func(*Visit) bool) {
	if s.behind == nil {
		s.behind = map[*Visit]bool{}
	}
	for v := range l.visits {
		if waitsFor(v) {
			s.behind[v] = true
		}
	}
	s.until, s.mark = now.Add(afterwards), l.mark
}

// join adds what may take effect of something else.
func (s *lateness) join(other lateness) {
	if s.behind == nil {
		s.behind = map[*Visit]bool{}
	}
	maps.Copy(s.behind, other.behind)
	if other.until.After(s.until) {
		s.until = other.until
	}
	s.mark = max(s.mark, other.mark)
}

// passed notes that a request is over.
func (l *Ledger) passed(v *Visit, now time.Time) {
	delete(l.visits, v)
	for s := range l.lateness() {
		if s.behind[v] {
			delete(s.behind, v)
			s.until, s.mark = now.Add(afterwards), l.mark
		}
	}
}

// lateness is all that may take effect later.
func (l *Ledger) lateness() iter.Seq[*lateness] {
	return func(yield func(*lateness) bool) {
		if !yield(&l.late) {
			return
		}
		for _, m := range l.models {
			if !yield(&m.late) {
				return
			}
		}
	}
}

// since says that some of it may have come since a look.
func (s *lateness) since(look Look, now time.Time) bool {
	return s.waits(now) || now.Before(s.until) || s.mark > look.Mark || look.At.Before(s.until)
}

// outdates says that it is over, and that the look was before its end.
func (s *lateness) outdates(look Look, now time.Time) bool {
	return !s.waits(now) && !now.Before(s.until) && (look.At.Before(s.until) || s.mark > look.Mark)
}
