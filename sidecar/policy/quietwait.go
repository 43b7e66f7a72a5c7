package policy

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// quietContainer is how long the container has to have been still: a client
// that bypasses the relay shows in nothing else.
const quietContainer = 10 * time.Second

// quietWait is a remedy that waits for a quiet moment.
type quietWait struct {
	verdict   verdict.Verdict // empty while none waits
	since     time.Time
	due       time.Time // when it was due last: a verdict may give way to another for a moment
	told      bool      // that it would be taken now, if Clawgate did not only watch
	fruitless int       // how often the gate was shut for it in vain
}

const (
	// quietGap is how long a remedy that waits may not be due without its wait
	// beginning anew.
	quietGap = 5 * time.Minute
	// mostFruitless bounds how much longer each further wait is.
	mostFruitless = 5
)

// longest is how long it waits for a quiet moment, longer after each time that the
// gate was shut in vain.
func (q quietWait) longest(idleWait time.Duration) time.Duration {
	return idleWait << min(q.fruitless, mostFruitless)
}

// awaitQuiet takes a remedy that was put off at a quiet moment, or when it has waited
// for IDLE_WAIT.
func (k *Keeper) awaitQuiet() {
	j, now := k.judgement, k.turn.now
	gone := now.Sub(k.quiet.due) >= quietGap
	if j.Need != verdict.MendWhenQuiet || k.machine.State != Ready {
		if k.machine.State != Isolated && gone { // while it drains it is still the same one
			k.quiet = quietWait{}
		}
		return
	}
	if gone || k.quiet.verdict != j.Verdict {
		k.quiet = quietWait{verdict: j.Verdict, since: now, due: now}
		k.warn("a remedy is due and waits for a quiet moment", "verdict", j.Verdict, "sentence", j.Sentence, "longest", k.settings.IdleWait)
	}
	k.quiet.due = now
	if !Quiet(k.quietView()) {
		return
	}
	if k.machine.Passive {
		k.tellQuiet()
		return
	}
	k.handle(Event{Kind: QuietMoment, Judgement: j})
}

func (k *Keeper) quietView() QuietView {
	now, traffic, server := k.turn.now, k.turn.Traffic, &k.seen.Server
	return QuietView{
		Now: now, Since: k.quiet.since, Longest: k.quiet.longest(k.settings.IdleWait),
		InFlight: len(traffic.InFlight), Waiting: traffic.Waiting, LastTraffic: server.LastTraffic,
		Seen: server.Pulse.Known(now), Rests: k.rests(server.Pulse.StillFor(now)),
		// A drain would end before a stream that has moved for as long.
		Outlasts: slices.ContainsFunc(traffic.InFlight, func(r evidence.Request) bool { return now.Sub(r.SentAt) >= k.settings.DrainTimeout }),
	}
}

// rests says that the container has been still for long enough, and its GPU with it:
// who waits for a GPU may use next to no CPU.
func (k *Keeper) rests(still time.Duration) bool {
	return still >= quietContainer && k.turn.now.Sub(k.seen.Devices.WorkedAt) >= quietContainer
}

// bypassShows is how long the gate is kept shut to see whether the container
// comes to rest.
const bypassShows = time.Minute

// undisturbed says that the container rests now that new requests are held. If it
// goes on working, that is for one of ours that the drain did not see the end of, or
// for somebody who bypasses the relay: the remedy is put off again.
func (k *Keeper) undisturbed() bool {
	now := k.turn.now
	if k.remedy.drainedAt.IsZero() {
		k.remedy.drainedAt = now
	}
	switch {
	case k.rests(k.seen.Server.Pulse.RestsFor(now)):
		return true
	case now.Sub(k.remedy.drainedAt) >= bypassShows:
		k.warn("the server does not come to rest; the remedy waits for another quiet moment", "in_flight", len(k.turn.Traffic.InFlight),
			"note", "without requests in flight somebody who bypasses Clawgate uses it")
		k.quiet = quietWait{verdict: k.quiet.verdict, since: now, due: now, fruitless: k.quiet.fruitless + 1}
		k.handle(Event{Kind: Disturbed})
	}
	return false
}

// tellQuiet says once what would be done now.
func (k *Keeper) tellQuiet() {
	if k.quiet.told {
		return
	}
	k.quiet.told = true
	rung := quietRung(k.judgement)
	k.remedy.reason, k.remedy.sentence = string(k.judgement.Verdict), k.judgement.Sentence
	k.warn("a remedy would be taken now", "rung", rung, "reason", k.remedy.reason, "sentence", k.remedy.sentence)
	k.due(rung)
}

// quietRung is what would be done first about what waits.
func quietRung(j verdict.Judgement) Rung {
	if j.Model != "" {
		return Unload
	}
	return Restart
}
