package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// probes plans the readiness probe, which looks at one model at a time.
type probes struct {
	turnedAt time.Time // when the model was chosen; zero for the main model from the start
	next     time.Time
	asked    time.Time // when the last attempt began
	open     []*attempt
	gaveUp   time.Time // on the last attempt
	// anyway has the next attempt ask the model although it is not listed.
	anyway bool
	lastID uint64
}

// attempt is one readiness probe that has not been answered. It stays open after
// it has counted as a failure, so that a late answer is still heard: slow is
// not dead.
type attempt struct {
	id       uint64
	target   string // normalised
	began    time.Time
	waitsFor string // what was missing when it became overdue; empty before
	forList  bool   // that is the list of loaded models
	counted  bool
	unlisted bool // the model is asked although it may not be listed
	// superseded says that nothing that it brings counts any more. It stays open all
	// the same until its answer has come to the end: an Ollama whose client
	// leaves in mid-answer can lose the slot for ever (see probe.Ready).
	superseded bool
}

// turned begins anew with another model; what is open stays so.
func (p probes) turned(now time.Time) probes {
	return probes{turnedAt: now, asked: p.asked, open: p.open, lastID: p.lastID}
}

// supersede says of all that is open that the question is answered, or another one.
func (p *probes) supersede() {
	for _, a := range p.open {
		a.superseded = true
	}
}

// find is the attempt of that number; nil when it is not open any more.
func (p *probes) find(id uint64) *attempt {
	if i := slices.IndexFunc(p.open, func(a *attempt) bool { return a.id == id }); i >= 0 {
		return p.open[i]
	}
	return nil
}

// close takes an attempt that has ended off the list.
func (p *probes) close(id uint64) {
	p.open = slices.DeleteFunc(p.open, func(a *attempt) bool { return a.id == id })
}

// waiting counts the attempts whose answer would count; undecided says that one
// of them has not counted as a failure yet.
func (p *probes) waiting() (attempts int, undecided bool) {
	for _, a := range p.open {
		if !a.superseded {
			attempts++
			undecided = undecided || !a.counted
		}
	}
	return attempts, undecided
}

// asksSince says that an attempt began after that time and has decided nothing yet.
func (p *probes) asksSince(at time.Time) bool {
	return slices.ContainsFunc(p.open, func(a *attempt) bool { return !a.superseded && !a.counted && a.began.After(at) })
}

// cancelProbes calls off what is open. Only what is being mended may be left like
// that.
func (k *Keeper) cancelProbes() {
	for _, a := range k.probes.open {
		k.do(CancelProbe{a.id})
	}
	k.probes.open = nil
}

const (
	// patience is how long an attempt that has counted as a failure is still heard
	// where others wait with it.
	patience = time.Minute
	// mostOpen attempts are waited for, heard or not.
	mostOpen = 12
)

// giveUp hears the oldest attempt no longer, one in a while, so that there is always
// room for a new one: what Ollama has lost never ends, and the model may answer
// again all the same.
func (k *Keeper) giveUp() {
	p, now := &k.probes, k.turn.now
	if now.Sub(p.gaveUp) < patience {
		return
	}
	if i := slices.IndexFunc(p.open, func(a *attempt) bool { return a.counted && !a.superseded && now.Sub(a.began) >= patience }); i >= 0 {
		p.open[i].superseded, p.gaveUp = true, now
	}
	if len(p.open) > mostOpen {
		k.do(CancelProbe{p.open[0].id})
	}
}

// probeNow makes the next look due at once.
func (k *Keeper) probeNow() { k.probes.next = k.turn.now }

// planProbe judges the attempts that are overdue, and sends the next one
// when it is due and there is no reason to leave the model alone.
func (k *Keeper) planProbe() {
	p := k.picture()
	k.judgeOverdue(p)
	k.giveUp()
	model, waits := verdict.ClientWaits(p)
	attempts, undecided := k.probes.waiting()
	streak := &k.seen.Focused().Streak
	hurry := waits && model == p.Target && !undecided && streak.Failures == 0
	if hurry && p.Now.Sub(k.probes.asked) >= k.settings.RecheckInterval { // no loop while probes decide nothing
		k.probeNow()
	}
	if p.Now.Before(k.probes.next) || undecided || attempts > k.settings.FailureThreshold {
		return
	}
	if reason := k.holdProbe(p); reason != "" {
		streak.Inconclusive = reason
		k.probes.next = p.Now.Add(k.settings.RecheckInterval)
		return
	}
	if k.allowance.probes.AllowN(p.Now, 1) {
		k.sendProbe(p)
	}
}

func (k *Keeper) judgeOverdue(p verdict.Picture) {
	for _, a := range k.probes.open {
		if a.waitsFor == "" || a.counted || a.superseded {
			continue
		}
		if a.forList && k.serverStarts() {
			continue
		}
		result := verdict.Silence(p, a.began, a.waitsFor)
		a.counted = result.Outcome == evidence.Failure
		result.Server = a.forList
		k.seen.Focused().Count(result)
		if a.counted {
			k.probed(result)
			k.probes.next = a.began.Add(k.settings.RecheckInterval)
		}
	}
}

// startingRecheck is the pause between looks at a server that has just started:
// users wait for it.
const startingRecheck = 500 * time.Millisecond

// serverStarts says that the server has not answered yet and still may take its
// time: it listens before it has found its GPUs.
func (k *Keeper) serverStarts() bool {
	c := &k.seen.Container
	return !k.seen.Server.Answered && c.Known && k.apart() == "" && k.turn.now.Sub(c.Seen.StartedAt) < verdict.ServerStart
}

// sendProbe sends one readiness probe. The next is due after the interval, or
// after the shorter one once this has failed.
func (k *Keeper) sendProbe(p verdict.Picture) {
	k.probes.lastID++
	a := &attempt{id: k.probes.lastID, target: k.seen.Focus, began: p.Now, unlisted: k.asksUnlisted(p)}
	k.probes.asked, k.probes.anyway = p.Now, false
	if k.asksUnclear(p) {
		k.looks.askedBeside = p.Now
	}
	k.probes.open = append(k.probes.open, a)
	k.probes.next = p.Now.Add(k.settings.ReadyInterval)
	spare := ""
	if k.resting() {
		spare = "the model's keep-alive has passed; a probe would keep it in memory"
	}
	k.do(SendProbe{
		Generation: k.seen.Generation, ID: a.id, Target: a.target, Unlisted: a.unlisted,
		Varied: verdict.Suspicious(k.seen.Focused().Hollow), Spare: spare,
	})
}

func (k *Keeper) probeOverdue(o watch.ProbeOverdue) {
	if a := k.probes.find(o.ID); a != nil {
		a.waitsFor, a.forList = o.WaitsFor, o.List
	}
}

// probeAnswered takes the end of an attempt. An attempt that was called off, or whose
// failure has counted already, moves nothing.
func (k *Keeper) probeAnswered(o watch.ProbeAnswered) {
	a, result := k.probes.find(o.ID), o.Result
	if a == nil {
		return
	}
	if o.Loaded {
		k.looks.want(a.target)
	}
	ignored := a.superseded || a.counted && result.Outcome != evidence.Success
	a.superseded = true
	if ignored {
		return
	}
	of := k.seen.Focused()
	if result.Outcome == evidence.Failure && result.Server && k.serverStarts() {
		of.Streak.Inconclusive = "the server has just started: " + result.Reason
		k.probes.next = result.At.Add(startingRecheck)
		return
	}
	of.Count(result)
	k.probed(result)
	k.seen.Models.Of(a.target).Heard(result)
	if result.Crash {
		k.died(evidence.Sign{Kind: evidence.SignRunnerDied, Model: a.target, At: result.At, Detail: result.Reason})
	}
	switch result.Outcome {
	case evidence.Success:
		k.probeSucceeded(a, result)
	case evidence.Failure:
		k.probes.next = a.began.Add(k.settings.RecheckInterval)
	default:
		k.probeDecidedNothing(a, result)
	}
}

func (k *Keeper) probeSucceeded(a *attempt, result evidence.ProbeResult) {
	k.heardServer(a.began, result.At)
	if a.unlisted {
		k.seen.Server.MarkLoaded(a.target) // whatever the list says
	}
	k.sawToken(result.At)
	k.seen.Server.Spoke()
	k.probes.supersede()
	k.probes.next = a.began.Add(k.settings.ReadyInterval)
	if k.seen.Focused().Streak.Successes < k.settings.SuccessThreshold {
		k.probes.next = result.At
	}
	if a.target != k.seen.Main {
		k.focusOn(k.seen.Main)
	}
}

func (k *Keeper) probeDecidedNothing(a *attempt, result evidence.ProbeResult) {
	k.probes.next = result.At.Add(k.settings.RecheckInterval)
	if k.probes.anyway { // this one did not, and the next one will
		k.probes.next = result.At
	}
	if a.target != k.seen.Main && k.machine.State == Ready { // else it is that model which is being mended
		k.focusOn(k.seen.Main)
	}
}
