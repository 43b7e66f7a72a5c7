package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// throttleLasts is how long clocks have to be held down to be worth a word.
	throttleLasts = 10 * time.Second
	// slowLasts is how long a model has to be slower than it used to be.
	slowLasts = 2 * time.Minute
)

// Slowed is what may explain, or call for, more patience.
type Slowed struct {
	// ThrottledSince is since when the driver has held the clocks down; zero when
	// it does not. By names the reasons.
	ThrottledSince time.Time
	By             []string
	// LateSince is since when first chunks have come late, and TimelyBefore that
	// this load of the model used to answer in time.
	LateSince    time.Time
	TimelyBefore bool
}

// degraded looks behind a model that answers: for a GPU that is not used, memory
// that is not given back, clocks that are held down. Nothing here closes the
// gate; what needs a remedy waits for a quiet moment, once.
func degraded(p Picture, j Judgement) Judgement {
	looks := []func(Picture) (Judgement, bool){fallback, leaking, throttled, slower}
	switch {
	case j.Verdict == Unloaded && j.Answers:
		looks = looks[1:2] // without a model in memory only a leak can be seen
	case j.Verdict != Healthy && j.Verdict != Slow:
		return j
	}
	for _, look := range looks {
		found, applies := look(p)
		if !applies {
			continue
		}
		found.Answers = j.Answers
		if found.RemedyDue && slices.Contains(p.Taken.AtIdle, found.Verdict) {
			found.RemedyDue, found.AtIdle = false, false
			found.Sentence += "; it was tried once and did not help, a person has to look"
		}
		return found
	}
	return j
}

func leaking(p Picture) (Judgement, bool) {
	if !p.Card.Leak.Lasts(p.Now) {
		return Judgement{}, false
	}
	return Judgement{Verdict: VRAMLeak, RemedyDue: true, AtIdle: true, Sentence: p.Card.Leak.sentence(p.Now)}, true
}

func (s Slowed) throttled(now time.Time) bool {
	return !s.ThrottledSince.IsZero() && now.Sub(s.ThrottledSince) >= throttleLasts
}

// throttled needs no remedy: a restart makes the card hotter and slower.
func throttled(p Picture) (Judgement, bool) {
	if !p.Slowed.throttled(p.Now) {
		return Judgement{}, false
	}
	return Judgement{Verdict: Throttled, Sentence: fmt.Sprintf("the GPU's clocks have been held down for %s: %s",
		round(p.Now.Sub(p.Slowed.ThrottledSince)), strings.Join(p.Slowed.By, ", "))}, true
}

// slower is a model that became slow in the middle of its load. Loaded anew it
// may be quick again; one that was never quick stays as it is.
func slower(p Picture) (Judgement, bool) {
	if !p.Slowed.TimelyBefore || p.Slowed.LateSince.IsZero() || p.Now.Sub(p.Slowed.LateSince) < slowLasts || !p.Ready.Last.Late {
		return Judgement{}, false
	}
	return Judgement{Verdict: Slow, Model: p.Target, RemedyDue: true, AtIdle: true, Sentence: fmt.Sprintf(
		"%s, the deadline is %s; it used to answer in time until %s ago", p.Ready.Last.Reason, p.Limit.FirstChunk, round(p.Now.Sub(p.Slowed.LateSince)))}, true
}
