package runners

import "time"

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

// afterwards is how long the process of a runner that was told to end may go on.
const afterwards = 10 * time.Second

// lingers notes that something was asked that may take effect later.
func (l *Ledger) lingers(now time.Time) {
	if l.late.behind == nil {
		l.late.behind = map[*Visit]bool{}
	}
	for v := range l.visits {
		l.late.behind[v] = true
	}
	l.late.until, l.late.mark = now.Add(afterwards), l.mark
}

// passed notes that a request is over.
func (l *Ledger) passed(v *Visit, now time.Time) {
	delete(l.visits, v)
	if !l.late.behind[v] {
		return
	}
	delete(l.late.behind, v)
	l.late.until, l.late.mark = now.Add(afterwards), l.mark
}

// since says that some of it may have come since a look.
func (l lateness) since(look Look, now time.Time) bool {
	return len(l.behind) > 0 || now.Before(l.until) || l.mark > look.Mark || look.At.Before(l.until)
}
