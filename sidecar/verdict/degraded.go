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
// gate; what needs a remedy waits for a quiet moment, once a day, and is told
// before what needs none.
func degraded(p Picture, j Judgement) Judgement {
	looks := []func(Picture) (Judgement, bool){fallback, leaking, throttled, slower}
	switch {
	case !j.Answers:
		return j
	case j.Verdict == Unloaded:
		looks = looks[1:2] // without a model in memory only a leak can be seen
	case j.Verdict != Healthy && j.Verdict != Slow:
		return j
	}
	worst := Judgement{}
	for _, look := range looks {
		found, applies := look(p)
		if !applies {
			continue
		}
		found.Answers = true
		if found.Need.Remedy() && tookAtIdle(p, found.Verdict) {
			found.Need = Nothing
			found.Sentence += "; a remedy for it has had its quiet moment within a day and is not tried again, a person has to look"
		}
		if worst.Verdict == "" || found.Need.Remedy() && !worst.Need.Remedy() {
			worst = found
		}
	}
	if worst.Verdict == "" || j.Verdict == Unloaded && !worst.Need.Remedy() { // it is to be loaded all the same
		return j
	}
	return worst
}

// tookAtIdle says that a quiet moment has been used for the verdict. A GPU that
// is not back after the restart is the same trouble under another name.
func tookAtIdle(p Picture, v Verdict) bool {
	return slices.Contains(p.Taken.AtIdle, v) || v == CPUFallback && slices.Contains(p.Taken.AtIdle, GPULost)
}

func leaking(p Picture) (Judgement, bool) {
	if !p.Card.Leak.Lasts(p.Now) {
		return Judgement{}, false
	}
	return Judgement{Verdict: VRAMLeak, Need: MendWhenQuiet, Sentence: p.Card.Leak.sentence(p.Now)}, true
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
// may be quick again; one that was never quick stays as it is. Late answers to
// probes have to lie that far apart: a client's answer is late behind others, and
// no probe is sent while they are in the way.
func slower(p Picture) (Judgement, bool) {
	last, since := p.Ready.Last, p.Slowed.LateSince
	if p.Slowed.throttled(p.Now) || !p.Slowed.TimelyBefore || !last.Late || !last.Answered || since.IsZero() || last.At.Sub(since) < slowLasts {
		return Judgement{}, false
	}
	return Judgement{Verdict: Slow, Model: p.Target, Need: MendWhenQuiet, Sentence: fmt.Sprintf(
		"%s, the deadline is %s; it used to answer in time until %s ago", last.Reason, p.Limit.FirstChunk, round(p.Now.Sub(since)))}, true
}
