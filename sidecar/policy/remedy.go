package policy

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// remedy is the one under way, and what came of the last ones.
type remedy struct {
	// since is when the trouble that is being mended was first seen.
	since        time.Time
	began        time.Time // of the rung under way, or of the last one
	rung         Rung
	run          evidence.Identity // that it is, or was, for
	reason       string            // the verdict's name
	sentence     string
	counted      bool // the present attempt is among them
	running      bool
	stop         sentStop               // that failed last
	left         []evidence.LoadedModel // that stay in memory through the rung under way
	attempts     int                    // that did not help since the model was last ready for long
	drainFrom    time.Time
	drainedAt    time.Time // when the last stream had ended, of one that waited for a quiet moment
	steps        []watch.Step
	lastError    string
	lastTook     time.Duration // from isolation to open, the last time
	backoff      time.Time     // when it ends
	tried        Attempts      // about the present trouble; Keeper.tried fills in the rest
	quietMoments map[verdict.Verdict]time.Time
}

// drainMoves is how fresh a stream's last chunk has to be for a remedy to
// wait for it.
const drainMoves = 10 * time.Second

// ours says that what happens to the container now is Clawgate's own doing.
func (r *remedy) ours() bool { return r.running && r.rung.Cuts() }

// mostSteps are told of one trouble, the newest: some of them never end.
const mostSteps = 200

// took adds steps to the account of the present trouble.
func (r *remedy) took(steps ...watch.Step) {
	r.steps = append(r.steps, steps...)
	r.steps = r.steps[max(0, len(r.steps)-mostSteps):]
}

// requested is the reason of what a person asked for.
const requested = "requested"

// beginDrain notes why a remedy is due; finishDrain waits for what still moves.
func (k *Keeper) beginDrain() {
	r, now := &k.remedy, k.turn.now
	r.drainFrom, r.drainedAt = now, time.Time{}
	if k.judgement.Verdict != verdict.Unproven || r.since.IsZero() { // else it is a further rung for the same trouble
		r.reason, r.sentence = string(k.judgement.Verdict), k.judgement.Sentence
	}
	if k.machine.Plan.ByPerson {
		r.reason, r.sentence = requested, "a person asked for a restart"
	}
	if r.since.IsZero() { // not on a further rung for the same trouble
		r.steps, r.since = nil, k.seen.Focused().Streak.FailingSince
	}
	if r.since.IsZero() {
		r.since = now
	}
	k.warn("a remedy is due", "rung", k.machine.Rung(), "reason", r.reason, "sentence", r.sentence, "passive", k.machine.Passive)
	k.due(k.machine.Rung())
}

// due tells of a remedy that is due, or that would be taken if Clawgate did not only watch.
func (k *Keeper) due(rung Rung) {
	k.do(RemedyDue{k.account(rung), k.machine.Passive && !k.machine.Plan.ByPerson})
}

// account is what there is to tell of a remedy at this moment.
func (k *Keeper) account(rung Rung) Account {
	return Account{
		Reason: k.remedy.reason, Sentence: k.remedy.sentence, Rung: rung, Standing: k.machine.Rung(),
		Attempt: k.remedy.attempts, State: k.machine.State, At: k.turn.now,
	}
}

// finishDrain ends the wait for streams that the remedy would cut: all of them
// for a restart, none for an unload, whose model is silent.
func (k *Keeper) finishDrain() {
	now := k.turn.now
	if !k.machine.Draining() || k.machine.Passive && !k.machine.Plan.ByPerson {
		return
	}
	if k.restartWaits() {
		k.remedy.drainFrom = now
		return
	}
	if (k.machine.Rung().Cuts() || k.machine.Plan.WhenQuiet) && now.Sub(k.remedy.drainFrom) < k.settings.DrainTimeout && k.underWay() {
		k.remedy.drainedAt = time.Time{}
		return
	}
	if k.machine.Plan.WhenQuiet && !k.undisturbed() {
		return
	}
	if k.machine.Plan.ByPerson || k.allowance.remedies.AllowN(now, 1) {
		k.handle(Event{Kind: Drained})
	}
}

// underWay says that a remedy would cut something: a stream that moves, and where
// it can wait also what has not begun to move.
func (k *Keeper) underWay() bool {
	moves := slices.ContainsFunc(k.turn.Traffic.InFlight, func(r evidence.Request) bool {
		return !r.LastChunkAt.IsZero() && k.turn.now.Sub(r.LastChunkAt) < drainMoves
	})
	return moves || k.machine.Plan.WhenQuiet && len(k.turn.Traffic.InFlight) > 0
}

// beginRemedy starts the rung that the machine stands on. From here on nothing
// that is seen of the server counts, until the rung is done.
func (k *Keeper) beginRemedy() {
	r, now := &k.remedy, k.turn.now
	rung, target, run := k.machine.Rung(), k.machine.Target, k.seen.Container.Seen.Identity
	r.began, r.rung, r.run, r.running = now, rung, run, true
	others := verdict.OthersAtRest(k.picture(), target)
	others = others[:min(len(others), mostAtOnce)]
	k.noteTried(rung)
	k.noteLoaded(rung, target, others)
	k.setGate()
	k.changed(rung)
	switch rung {
	case Unload:
		k.seen.Models.Of(target).Unloaded(now)
	case MakeRoom:
	default:
		r.attempts++
		r.counted = true
		k.spend()
	}
	k.warn("taking a remedy", "rung", rung, "model", target, "reason", r.reason, "sentence", r.sentence,
		"attempt", r.attempts, "budget_left", k.BudgetLeft())
	k.do(TakeRemedy{rung, target, others, run, r.reason})
}

// changed forgets what was seen of the server before the rung. Where that leaves it
// running, what the other models proved stays true.
func (k *Keeper) changed(rung Rung) {
	if rung.Cuts() {
		k.runEnded()
		return
	}
	k.seen.Focused().RunEnded()
	k.lookAnew()
}

// remedyEnded takes a rung's end. Whatever came of it, the server is judged anew.
func (k *Keeper) remedyEnded(o watch.RemedyEnded) {
	r, now := &k.remedy, k.turn.now
	k.noteStop(o)
	r.running = false
	r.took(o.Steps...)
	result, kind := "success", RemedyDone
	r.lastError = ""
	if o.Failure != nil {
		result, kind = "failure", RemedyFailed
		r.lastError = o.Failure.Text
	}
	if o.Is(watch.Changed) {
		result, kind = "obsolete", Replaced
	}
	if r.rung == Restart && o.Failure != nil && !o.StopSent {
		k.refund() // nothing was stopped
	}
	k.noteFailure(r.rung, o.Failure)
	for _, step := range o.Steps {
		k.info("remedy step", "rung", r.rung, "step", step.Name, "took", step.Took, "detail", step.Detail)
	}
	k.warn("the remedy ended", "rung", r.rung, "result", result, "took", now.Sub(r.began), "err", orNil(r.lastError))
	k.do(RemedyTaken{k.account(r.rung), result, now.Sub(r.began), o})
	k.changed(r.rung)
	k.afterwards(o, kind)
	k.handle(Event{Kind: kind})
}

// afterwards notes what the rung that has ended did to the container, or to its model.
func (k *Keeper) afterwards(o watch.RemedyEnded, kind EventKind) {
	r, c := &k.remedy, &k.seen.Container
	if r.rung.Cuts() {
		if o.Failure == nil && r.reason == requested || kind == Replaced {
			k.seen.Devices.Forget() // a person was there
		}
		k.seen.ContainerStarted()
	} else if k.machine.Target != "" {
		k.seen.Models.Of(k.machine.Target).Reloaded()
	}
	k.seen.Server.Keeps(r.left, o.Failure == nil)
	c.Known = false // the next inspection is of our own doing
	failed := o.Failure != nil && (r.rung == Start || o.StopSent)
	c.Operator = watch.Operator{DiedSeen: failed} // the end of what did not come up is no person's
}

const (
	backoffFirst = 5 * time.Second
	backoffMax   = 5 * time.Minute
)

// pauseAfter returns the pause after the given number of attempts that did not
// help, 1 being the first: 5 s, doubling to 5 min, and up to a tenth more by the seed, so
// that several machines do not act in step.
func pauseAfter(attempts int, seed uint64) time.Duration {
	pause := min(backoffFirst<<min(max(attempts, 1)-1, 6), backoffMax)
	hash := fnv.New64a()
	hash.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), uint64(attempts)))
	return pause + time.Duration(hash.Sum64()%uint64(pause/10+1))
}

// beginBackoff waits before the next look, longer each time.
func (k *Keeper) beginBackoff() {
	r := &k.remedy
	if !r.counted { // a restart has counted itself
		r.attempts++
	}
	r.counted = false
	pause := pauseAfter(r.attempts, k.settings.Seed)
	r.backoff = k.turn.now.Add(pause)
	k.warn("waiting before the next try", "pause", pause, "attempts", r.attempts)
}

// endBackoff looks again once the pause is over.
func (k *Keeper) endBackoff() {
	if k.machine.State == Backoff && !k.turn.now.Before(k.remedy.backoff) {
		k.cancelProbes()
		k.seen.Models.Each((*watch.Model).Unprove)
		k.handle(Event{Kind: BackoffElapsed})
	}
}
