package policy

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	// lasts is how long a model has to stay in memory for its load to have been worth it.
	lasts = time.Minute
	// firstRest is the pause after a load that did not last; each further one is twice
	// as long, up to the longest.
	firstRest   = 500 * time.Millisecond
	longestRest = 5 * time.Minute
	// fruitlessLoads loads in a row are tried; after that the model is asked instead.
	fruitlessLoads = 2
)

// lasting follows whether a model that was loaded is seen in memory afterwards.
// Often it is not, though every load succeeds: Ollama lists a runner by the name that
// loaded it, and a load by another name of the same weights adds none; a keep-alive
// under a second makes the load an unload; others may unload it each time.
type lasting struct {
	model  string    // that was loaded last
	at     time.Time // when it was; zero once it is known not to have lasted
	listed time.Time // since when each list has shown it
	// fruitless counts loads in a row that did not last.
	fruitless int
	next      time.Time // nothing is loaded, or asked in a load's place, before
}

// loaded notes a load that succeeded.
func (l *lasting) loaded(now time.Time, model string) {
	if l.model != model {
		*l = lasting{model: model}
	}
	l.at, l.listed = now, time.Time{}
}

// sawLoaded takes a list of what is in memory. A model that stays there has begun anew.
func (l *lasting) sawLoaded(now time.Time, isLoaded func(model string) bool) {
	switch {
	case !isLoaded(l.model):
		l.listed = time.Time{}
	case l.listed.IsZero():
		l.listed = now
	case now.Sub(l.listed) >= lasts:
		l.fruitless, l.next = 0, time.Time{}
	}
}

// missed notes that the model is wanted and not in memory.
func (l *lasting) missed(now time.Time) {
	if l.at.IsZero() {
		return
	}
	brief := now.Sub(l.at) < lasts
	l.at = time.Time{}
	if !brief {
		l.fruitless, l.next = 0, time.Time{}
		return
	}
	l.fruitless++
	if l.fruitless < fruitlessLoads {
		l.next = now.Add(l.rest())
	}
}

// rest is the pause after as many fruitless loads.
func (l *lasting) rest() time.Duration {
	return min(firstRest<<min(l.fruitless-1, 16), longestRest)
}

// askInstead says that the model is due to be asked in the place of a load.
func (l *lasting) askInstead(now time.Time) bool {
	if l.fruitless < fruitlessLoads || now.Before(l.next) {
		return false
	}
	l.next = now.Add(l.rest())
	l.fruitless++
	return true
}

// sparesLoad says that the model that is looked at is not to be loaded now, because loads
// of it do not last: there is a pause first, and after the second one it is asked for a
// token, which proves it whatever the list of loaded models says. In doubt a load is tried
// once in a while all the same: it tells whether the model can be loaded.
func (k *Keeper) sparesLoad() bool {
	l, now := &k.loads.lasting, k.turn.now
	if l.model != k.seen.Focus {
		return false
	}
	l.missed(now)
	if l.askInstead(now) {
		k.loads.tried = now
		k.probes.anyway = true
		k.probeNow()
	}
	if k.unclear() && now.Sub(k.loads.tried) >= lasts {
		return false
	}
	return l.fruitless >= fruitlessLoads || now.Before(l.next)
}

// asksUnlisted says that the next probe is to ask the model although it may not be
// listed: in the place of a load; until the gate has opened; and beside a client that
// waits for the model in vain, or in doubt, whose request has Ollama load it already.
func (k *Keeper) asksUnlisted(p verdict.Picture) bool {
	l := &k.loads.lasting
	switch {
	case k.asksUnclear(p):
		return true
	case l.fruitless < fruitlessLoads || l.model != p.Target || Evicts(k.machine, k.loadView()):
		return k.probes.anyway
	case k.machine.State != Ready:
		return true
	}
	model, waits := verdict.ClientWaits(p)
	return k.probes.anyway || waits && model == p.Target
}
