package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// looks plans the looks at the processes, which are the second view on what errors hint
// at.
type looks struct {
	began   [lookBurst]time.Time // when the last ones did, the newest first
	running bool
	failed  time.Time // when one brought nothing last
	// wanted are the models whose runners have not been seen since they were loaded.
	wanted []string
	// unlisted says that a model was loaded since Ollama last told how long they stay.
	unlisted bool
	// askedBeside is when a model was asked beside its clients last, because of a doubt.
	askedBeside time.Time
}

const (
	// lookBurst looks are taken in a lookPause at most: each is an event in the engine's
	// ring of 256. The last lookSpare of them are for hints.
	lookBurst = 5
	lookSpare = 2
	lookPause = 3 * time.Second
	// lookAgain is the pause after a look that brought nothing, where no hint waits.
	lookAgain = 10 * time.Second
)

// forget drops what speaks of a run of the server that is over. A look that is
// under way brings nothing any more.
func (l *looks) forget() { l.wanted, l.running = nil, false }

// want asks for a look at the runner of a model that may have been loaded.
func (l *looks) want(model string) {
	if !slices.Contains(l.wanted, model) && len(l.wanted) < watch.MostHints {
		l.wanted = append(l.wanted, model)
	}
}

// hinted takes an error that may mean that a model's runner died, or found no memory.
func (k *Keeper) hinted(sign evidence.Sign) {
	k.kick(Kick{Inspect: true}) // it may be the whole container that ends
	if sign.Model == "" || verdict.InCloud(sign.Model) {
		return // nobody can tell whose runner that is, or it is another server's
	}
	k.debug("an error hints at trouble with a model", "model", sign.Model, "kind", sign.Kind, "detail", sign.Detail)
	k.seen.Hints.Note(sign, sign.Model == k.seen.Main)
}

// mayLook says that a look is wanted, and that there have not been too many of late.
func (k *Keeper) mayLook() bool {
	l, hints, now := &k.looks, len(k.seen.Hints.Pending()), k.turn.now
	most := lookBurst
	if hints == 0 {
		if most -= lookSpare; now.Sub(l.failed) < lookAgain {
			return false
		}
	}
	return hints+len(l.wanted) > 0 && now.Sub(l.began[most-1]) >= lookPause
}

// lookCloser takes a look at the processes where one is wanted.
func (k *Keeper) lookCloser() {
	l := &k.looks
	if k.turn.LookOutdated {
		l.want(k.seen.Main) // and whatever else has a runner
	}
	if l.running || k.machine.State == Recovering || !k.mayLook() {
		return
	}
	names := append([]string{k.seen.Main}, l.wanted...)
	for _, m := range k.seen.Server.Loaded {
		names = append(names, m.Name)
	}
	names = append(names, k.seen.Hints.Pending()...)
	l.unlisted = l.unlisted || len(l.wanted) > 0
	l.running, l.wanted = true, nil
	copy(l.began[1:], l.began[:])
	l.began[0] = k.turn.now
	k.do(LookAtProcesses{k.seen.Generation, names})
}

// processesSeen takes a look, and decides what was hinted at before it. A look that
// failed decides nothing.
func (k *Keeper) processesSeen(o watch.ProcessesSeen) {
	now, hints := k.turn.now, &k.seen.Hints
	k.looks.running = false
	if o.Err != "" {
		k.looks.failed = now
	} else {
		hints.Compared(now, o.Models)
	}
	for _, model := range hints.Pending() {
		if hint, finding, decided := hints.Decide(model, now, o.At, o.Err != ""); decided {
			k.info("looked into a hint", "model", model, "kind", hint.Kind, "runner", finding)
			k.decideHint(hint, finding)
		}
	}
}

// decideHint: a runner that is gone without a cause is a crash; one that lives refutes
// the hint; and else the model itself decides. Want of memory may be a load's, whatever
// lives: a server that has forgotten a runner starts another one beside it.
func (k *Keeper) decideHint(hint evidence.Sign, finding watch.Finding) {
	memory := hint.Kind == evidence.SignOutOfMemory
	switch {
	case finding == watch.Ended && memory:
		k.foundNoRoom(hint)
	case finding == watch.Ended:
		k.died(hint)
	case finding == watch.Unclear, memory:
		k.askAbout(hint)
	}
}

// askAbout has the model show what an unclear hint was about. It is asked at once,
// but not more often than after a failure, or clients could have it asked without end.
func (k *Keeper) askAbout(hint evidence.Sign) {
	focused := hint.Model == k.seen.Focus
	k.seen.Hints.Leave(hint, k.turn.now, focused)
	if soonest := k.probes.asked.Add(k.settings.RecheckInterval); focused && k.probes.next.After(soonest) {
		k.probes.next = soonest
	}
}

// unclear says that an error hinted at trouble with the model that the probe looks at,
// and that nothing has decided it since.
func (k *Keeper) unclear() bool {
	return k.seen.Hints.Unclear(k.seen.Focus, k.turn.now, k.seen.Focused().Succeeded())
}

// unclearPause is between two probes that are sent beside clients because of a doubt.
const unclearPause = 30 * time.Second

// asksUnclear says that the model is to be asked beside a client that waits for it:
// the processes did not decide a hint, and the clients, whose requests may have it
// loaded and replaced again and again, get no token.
func (k *Keeper) asksUnclear(p verdict.Picture) bool {
	if !k.unclear() || p.Now.Sub(k.looks.askedBeside) < unclearPause {
		return false
	}
	return slices.ContainsFunc(p.Traffic.InFlight, func(r evidence.Request) bool { return r.Model == p.Target && r.FirstChunkAt.IsZero() })
}
