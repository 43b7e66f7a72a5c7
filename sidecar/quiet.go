package sidecar

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	// quietContainer is how long the container has to have been still: a client
	// that bypasses the relay shows in nothing else.
	quietContainer = 10 * time.Second
	// onceFor is how long a remedy that was put off and taken is not taken again
	// for the same verdict.
	onceFor = 24 * time.Hour
)

// quietWait is a remedy that waits for a quiet moment.
type quietWait struct {
	verdict verdict.Verdict // empty while none waits
	since   time.Time
	due     time.Time // when it was due last: a verdict may give way to another for a moment
	told    bool      // that it would be taken now, if Clawgate did not only watch
	vain    int       // how often the gate was shut for it in vain
}

const (
	// quietGap is how long a remedy that waits may not be due without its wait
	// beginning anew.
	quietGap = 5 * time.Minute
	// mostVain bounds how much longer each further wait is.
	mostVain = 5
)

// longest is how long it waits for a quiet moment, longer after each time that the
// gate was shut in vain.
func (q quietWait) longest(idleWait time.Duration) time.Duration {
	return idleWait << min(q.vain, mostVain)
}

// awaitQuiet takes a remedy that was put off at a quiet moment, or when it has waited
// for IDLE_WAIT.
func (s *supervisor) awaitQuiet(now time.Time) {
	j := s.judgement
	if j.Need != verdict.MendWhenQuiet || s.machine.State != policy.Ready {
		if s.machine.State != policy.Isolated && now.Sub(s.quiet.due) >= quietGap { // while it drains it is still the same one
			s.quiet = quietWait{}
		}
		return
	}
	if gone := now.Sub(s.quiet.due) >= quietGap; gone || s.quiet.verdict != j.Verdict {
		s.quiet = quietWait{verdict: j.Verdict, since: now, due: now}
		s.log.Warn("a remedy is due and waits for a quiet moment", "verdict", j.Verdict, "sentence", j.Sentence, "longest", s.config.IdleWait)
	}
	s.quiet.due = now
	traffic := s.relay.Traffic()
	if !policy.Quiet(policy.QuietView{
		Now: now, Since: s.quiet.since, Longest: s.quiet.longest(s.config.IdleWait),
		InFlight: len(traffic.InFlight), Waiting: traffic.Waiting, LastTraffic: s.seen.lastTraffic,
		Seen: s.seen.pulse.Known(now), Rests: s.rests(now, s.seen.pulse.StillFor(now)), Outlasts: s.outlastsDrain(now, traffic),
	}) {
		return
	}
	if s.machine.Passive {
		s.tellQuiet(now)
		return
	}
	s.handle(now, policy.Event{Kind: policy.QuietMoment, Judgement: j})
}

// rests says that the container has been still for long enough, and its GPU with it:
// who waits for a GPU may use next to no CPU.
func (s *supervisor) rests(now time.Time, still time.Duration) bool {
	return still >= quietContainer && now.Sub(s.seen.gpuWorks) >= quietContainer
}

// outlastsDrain says that a stream has moved for so long that a drain would end
// before it.
func (s *supervisor) outlastsDrain(now time.Time, traffic evidence.Traffic) bool {
	return slices.ContainsFunc(traffic.InFlight, func(r evidence.Request) bool { return now.Sub(r.SentAt) >= s.config.DrainTimeout })
}

// undisturbed says that the container rests now that new requests are held. If it
// goes on working, that is for one of ours that the drain did not see the end of, or
// for somebody who bypasses the relay: the remedy is put off again.
func (s *supervisor) undisturbed(now time.Time) bool {
	if s.remedy.drainedAt.IsZero() {
		s.remedy.drainedAt = now
	}
	switch {
	case s.rests(now, s.seen.pulse.RestsFor(now)):
		return true
	case now.Sub(s.remedy.drainedAt) >= bypassShows:
		s.log.Warn("the server does not come to rest; the remedy waits for another quiet moment", "in_flight", len(s.relay.Traffic().InFlight),
			"note", "without requests in flight somebody who bypasses Clawgate uses it")
		s.quiet = quietWait{verdict: s.quiet.verdict, since: now, due: now, vain: s.quiet.vain + 1}
		s.handle(now, policy.Event{Kind: policy.Disturbed})
	}
	return false
}

// bypassShows is how long the gate is kept shut to see whether the container
// comes to rest.
const bypassShows = time.Minute

// tellQuiet says once what would be done now.
func (s *supervisor) tellQuiet(now time.Time) {
	if s.quiet.told {
		return
	}
	s.quiet.told = true
	s.remedy.reason, s.remedy.sentence = string(s.judgement.Verdict), s.judgement.Sentence
	s.log.Warn("a remedy would be taken now", "rung", quietRung(s.judgement), "reason", s.remedy.reason, "sentence", s.remedy.sentence)
	s.report.due(s, now, quietRung(s.judgement))
}

// quietRung is what would be done first about what waits.
func quietRung(j verdict.Judgement) policy.Rung {
	if j.Model != "" {
		return policy.Unload
	}
	return policy.Restart
}

// tookQuietly notes that the remedy for a verdict has had its quiet moment.
func (r *remedyState) tookQuietly(v verdict.Verdict, now time.Time) {
	if r.atIdle == nil {
		r.atIdle = map[verdict.Verdict]time.Time{}
	}
	r.atIdle[v] = now
}

func (r *remedyState) tookAtIdle(now time.Time) []verdict.Verdict {
	var taken []verdict.Verdict
	for v, at := range r.atIdle {
		if now.Sub(at) < onceFor {
			taken = append(taken, v)
		}
	}
	slices.Sort(taken)
	return taken
}
