package policy

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// Hold is why a load is not begun now; empty where it is.
type Hold string

const (
	// OnlyWatching: Clawgate is paused, or observes.
	OnlyWatching Hold = "only_watching"
	// UnderWay: the model is being loaded, or pulled.
	UnderWay Hold = "under_way"
	// Resting: a load failed a moment ago.
	Resting Hold = "resting"
	// InMemory: it is there, and does not answer; a load would change nothing.
	InMemory Hold = "in_memory"
	// Unwanted: it left memory by itself, and its next client has Ollama load it.
	Unwanted Hold = "unwanted"
	// InTheWay: another model that is in use would have to make room for it.
	InTheWay Hold = "in_the_way"
	// NotListed: the list of models is about to tell whether there is one to load, and what
	// its names stand for: it may be in memory by another one.
	NotListed Hold = "not_listed"
	// Superseded: a model is being loaded that the probe has turned from. That load
	// is to be called off, and this one to follow.
	Superseded Hold = "superseded"
)

const (
	// FruitlessLoad is how long a load that may well be in vain waits for the models in
	// its way.
	FruitlessLoad = 10 * time.Minute
	// OthersIdle is how long another model has to be without traffic before its
	// place may be taken: Ollama's own default keep-alive.
	OthersIdle = 5 * time.Minute
)

// LoadView is what a load of the model that is looked at depends on, beside the
// machine.
type LoadView struct {
	Now       time.Time
	Judgement verdict.Judgement

	Loading, LoadingOther, Pulling bool      // by Clawgate
	NotBefore                      time.Time // a pause after a load that failed
	Listed                         bool      // the list of all models has been asked for, and what its names stand for
	InMemory                       bool      // as the list of loaded models says
	// Pinned says that the model is to stay in memory for ever.
	Pinned bool
	// Unclear says that an error hinted at trouble with it that nothing has decided.
	Unclear bool
	// GPUDoubted is when its GPU came into question, Wanted when a client met a gate
	// that was shut for it, and Tried when the last load began.
	GPUDoubted, Wanted, Tried time.Time

	// Traffic says that any request is in flight, LastTraffic when the last first
	// chunk came.
	Traffic     bool
	LastTraffic time.Time
	// AnyLoaded says that a model is in memory, OthersUsed that another one is in use,
	// or was a moment ago, and Fits that there is room beside all that is there.
	AnyLoaded, OthersUsed, Fits bool
}

// HoldLoad says what speaks against loading the model that is looked at.
func HoldLoad(m Machine, v LoadView) Hold {
	switch {
	case m.Passive && m.State != Verifying:
		return OnlyWatching
	case v.Loading, v.Pulling:
		return UnderWay
	case v.Now.Before(v.NotBefore):
		return Resting
	case m.State == Exhausted && v.InMemory:
		return InMemory
	}
	if m.State == Ready {
		if hold := v.whileReady(); hold != "" {
			return hold
		}
	}
	switch {
	case Evicts(m, v):
		return InTheWay
	case !v.Listed:
		return NotListed
	case v.LoadingOther:
		return Superseded
	}
	return ""
}

// Evicts says that a load which may be in vain, or which nobody has asked for, would take
// the place of a model in use.
func Evicts(m Machine, v LoadView) bool { return v.mayBeInVain(m) && v.evicts() }

// whileReady: a model that left memory is loaded again only if it is to stay there, and
// if nobody else's model would have to make room for it. In doubt, a load of our own
// tells whether it can be loaded.
func (v LoadView) whileReady() Hold {
	switch {
	case v.Unclear && v.evicts():
		return InTheWay
	case v.Unclear:
		return ""
	case !v.Pinned, v.Traffic:
		return Unwanted
	case v.AnyLoaded && v.Now.Sub(v.LastTraffic) <= OthersIdle:
		return InTheWay
	}
	return ""
}

// evicts says that a load would take the place of a model in use: Ollama makes room for
// whoever comes.
func (v LoadView) evicts() bool { return v.OthersUsed && !v.Fits }

// mayBeInVain says of a load that nothing may come of it, or that nobody has asked for it.
func (v LoadView) mayBeInVain(m Machine) bool {
	switch {
	case m.State == Exhausted:
		return v.Now.Sub(v.Tried) < FruitlessLoad
	case v.Judgement.Verdict == verdict.HostAction && v.Judgement.Need == verdict.Reload:
		return !v.Wanted.After(v.GPUDoubted) && v.Now.Sub(v.GPUDoubted) < FruitlessLoad
	}
	return false
}
