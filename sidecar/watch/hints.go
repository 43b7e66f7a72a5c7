package watch

import (
	"maps"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Hints are errors that may mean trouble with a model, and what looks at the processes
// showed about them. An error text is never proof, because Ollama quotes its clients:
// what counts is that a runner which was seen is gone, and that nothing which was asked
// of Ollama explains it. Where that cannot be told, the model is asked, or loaded.
type Hints struct {
	pending map[string]pair // by model: those that have not been looked into
	// unclear are those that the processes did not decide, until the model has shown
	// what is true of it.
	unclear map[string]evidence.Sign
	// gone are models whose runner was missed without a cause and has not been
	// seen to live since: the hint may come after the look. Lives are those whose
	// runner the last look found as it was.
	gone   map[string]time.Time
	lives  map[string]bool
	blamed []uint64 // requests of which a crash was counted, newest last, in any run
}

// pair are the oldest and the newest hint of one model's.
type pair struct{ oldest, newest evidence.Sign }

const (
	// MostHints bounds the models that are looked into at a time, and mostBlamed the
	// requests that are remembered.
	MostHints  = 16
	mostBlamed = 64
	// unclearFor is how long a hint that decided nothing is reason to look closer.
	unclearFor = time.Minute
)

// Forget drops what speaks of a run of the server that is over.
func (h *Hints) Forget() {
	*h = Hints{blamed: h.blamed, pending: map[string]pair{}, unclear: map[string]evidence.Sign{}, gone: map[string]time.Time{}}
}

// Note keeps a hint, if there is room: what is left out comes again if it is true. For
// one model there always is.
func (h *Hints) Note(sign evidence.Sign, always bool) {
	if known, found := h.pending[sign.Model]; found {
		h.pending[sign.Model] = pair{known.oldest, sign}
	} else if always || len(h.pending) < MostHints {
		h.pending[sign.Model] = pair{sign, sign}
	}
}

// Pending are the models about which there is one, in a fixed order.
func (h *Hints) Pending() []string { return slices.Sorted(maps.Keys(h.pending)) }

// Counted says that a crash was counted for this request already, and remembers it.
// A request that kills the runner is sent once more: that is the same crash.
func (h *Hints) Counted(request uint64) bool {
	if request == 0 {
		return false
	}
	if slices.Contains(h.blamed, request) {
		return true
	}
	h.blamed = append(h.blamed, request)
	h.blamed = h.blamed[max(0, len(h.blamed)-mostBlamed):]
	return false
}

// Compared takes what a look shows, and notes whose runners have gone without a cause
// since the one before.
func (h *Hints) Compared(now time.Time, models map[string]Finding) {
	h.lives = map[string]bool{}
	for model, finding := range models {
		switch finding {
		case Ended:
			h.gone[model] = now
		case Lives:
			h.lives[model] = true
			delete(h.gone, model)
		case Serves:
			delete(h.gone, model)
		}
	}
}

// Decide takes the pending hint of a model that a look decides, and says what the look,
// which began at that time, makes of it. A look that failed makes nothing of it.
func (h *Hints) Decide(model string, now, began time.Time, failed bool) (hint evidence.Sign, finding Finding, decided bool) {
	known := h.pending[model]
	finding = Unclear
	switch {
	case failed:
	case now.Sub(h.gone[model]) < unclearFor:
		finding = Ended
		delete(h.gone, model) // one end is one crash
	case h.lives[model]:
		finding = Lives
	}
	if known.oldest.At.After(began) && finding != Ended { // a runner that is gone decides a younger one, too
		return evidence.Sign{}, finding, false // the next look is for it
	}
	if delete(h.pending, model); finding != Ended && known.newest.At.After(began) {
		h.pending[model] = pair{known.newest, known.newest}
	}
	return known.oldest, finding, true
}

// Leave notes a hint that nothing has decided; always says that there is room for it.
func (h *Hints) Leave(hint evidence.Sign, now time.Time, always bool) {
	maps.DeleteFunc(h.unclear, func(_ string, old evidence.Sign) bool { return now.Sub(old.At) >= unclearFor })
	if len(h.unclear) < MostHints || always {
		h.unclear[hint.Model] = hint
	}
}

// Unclear says that an error hinted at trouble with a model a moment ago, and that nothing
// has decided it since it was last known to be well.
func (h *Hints) Unclear(model string, now, well time.Time) bool {
	hint, found := h.unclear[model]
	return found && now.Sub(hint.At) < unclearFor && hint.At.After(well)
}
