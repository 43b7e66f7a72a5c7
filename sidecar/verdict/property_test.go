package verdict

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// dice makes random pictures, the same ones in every run.
type dice struct{ *rand.Rand }

func newDice() dice { return dice{rand.New(rand.NewPCG(1, 2))} }

func (d dice) span(limit time.Duration) time.Duration { return time.Duration(d.Int64N(int64(limit))) }
func (d dice) oneIn(n int) bool                       { return d.IntN(n) == 0 }

// anything is a running server: whatever failed by silence, for as long as it
// failed, whoever waits, with and without a view or an engine.
func (d dice) anything() Picture {
	p := picture()
	p.Limit.FailureThreshold, p.Limit.SuccessThreshold = 1+d.IntN(4), 1+d.IntN(3)
	p.Container.Seen.StartedAt, p.Server.Answered = ago(d.span(10*time.Minute)), d.oneIn(2)
	p.Server.Pulse = []watch.Pulse{{}, working(), stillFor(3*time.Second + d.span(time.Hour)), workedUntil(d.span(time.Minute))}[d.IntN(4)]
	d.probes(&p)
	for range d.IntN(4) {
		request([]string{target, "other:latest"}[d.IntN(2)], d.span(time.Hour), time.Duration(d.IntN(2))*d.span(time.Hour))(&p)
	}
	if d.oneIn(3) {
		p.LoadSince = ago(d.span(9 * time.Minute))
	}
	if p.Server.LoadedKnown = d.oneIn(2); d.oneIn(3) {
		p.Server.Loaded = nil
	}
	switch d.IntN(5) {
	case 0:
		p.Container.EngineAway = ago(d.span(time.Hour))
	case 1:
		p.Container.EngineBack = ago(d.span(time.Hour))
	}
	return p
}

func (d dice) probes(p *Picture) {
	result := evidence.ProbeResult{Server: d.oneIn(3), Late: d.oneIn(3)}
	p.Server.API = failures(d.IntN(6), d.span(8*time.Minute), result)
	p.Model.Streak = failures(d.IntN(9), d.span(8*time.Minute), result)
	if d.oneIn(2) {
		result.Outcome = evidence.Success
		p.Model.Streak = watch.Streak{Successes: d.IntN(4), Last: result}
	}
	if d.oneIn(2) {
		p.Model.Streak.Inconclusive = "waiting"
	}
}

func (d dice) before() Judgement {
	return Judgement{Verdict: All[d.IntN(len(All))], Sentence: "before", Need: Needs[d.IntN(len(Needs))], Answers: d.oneIn(2)}
}

const rounds = 5_000

// Silence is all that anything fails by: there is no crash among it, no refused
// connection and no answer with an error.
func TestAServerThatWorksIsNeverMendedForSilence(t *testing.T) {
	// With a view of the container a stream has to have moved since the silence began.
	sinceThen := func(p *Picture) {
		p.Model.Streak.FailingSince, p.Server.API.FailingSince = ago(time.Minute), ago(time.Minute)
	}
	for name, moves := range map[string][]func(*Picture){
		"the container works":      {pulse(working())},
		"it worked a moment ago":   {pulse(workedUntil(watch.Stillness - 1))},
		"a stream moves":           {request("other:latest", time.Minute, time.Millisecond), sinceThen},
		"the target streams":       {request(target, 5*time.Hour, time.Millisecond), sinceThen},
		"a stream moved, unseen":   {unseen, request("other:latest", time.Hour, 59*time.Second), sinceThen},
		"the engine is away":       {engineAway},
		"the engine has come back": {unseen, func(p *Picture) { p.Container.EngineBack = ago(blindWait - 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDice()
			for range rounds {
				p := d.anything()
				for _, change := range moves {
					change(&p)
				}
				if got := Judge(p, d.before()); got.Need.Remedy() {
					t.Fatalf("%+v\n%+v", got, p)
				}
			}
		})
	}
}

func TestAServerThatWorksNeverFailsAProbeBySilence(t *testing.T) {
	d := newDice()
	for range rounds {
		p, waited := d.anything(), d.span(spinBudget)
		if d.oneIn(2) {
			p.Server.Pulse = working()
		} else { // no limit behind the target's own stream
			request(target, 10*time.Hour, time.Nanosecond)(&p)
			waited = time.Second + d.span(10*time.Hour)
		}
		if got := Silence(p, ago(waited), "a first chunk"); got.Outcome != evidence.Unknown {
			t.Fatalf("%+v\nwaited %s: %+v", got, waited, p)
		}
	}
}

// still is anything in which nothing has moved since the given time.
func (d dice) still(since time.Duration) Picture {
	p := d.anything()
	p.Container.EngineAway, p.Container.EngineBack = time.Time{}, time.Time{}
	p.Server.Pulse = []watch.Pulse{{}, stillFor(since), workedUntil(since)}[d.IntN(3)]
	for i := range p.Traffic.InFlight {
		r := &p.Traffic.InFlight[i]
		r.PromptTokens = 0
		if !r.LastChunkAt.IsZero() {
			r.LastChunkAt = ago(since)
		}
	}
	return p
}

func TestASilentAndStillServerFailsItsProbe(t *testing.T) {
	d := newDice()
	for range rounds {
		since := streamMoves + d.span(time.Hour)
		p := d.still(since)
		if got := Silence(p, ago(since), "a first chunk"); got.Outcome != evidence.Failure {
			t.Fatalf("%+v\n%+v", got, p)
		}
	}
}

func TestASilentAndStillServerIsMendedInTheEnd(t *testing.T) {
	d := newDice()
	for range rounds {
		since := 31*time.Minute + d.span(time.Hour)
		p := d.still(since)
		p.Container.Seen.StartedAt, p.Server.API.FailingSince = ago(2*time.Hour), ago(since)
		if !p.LoadSince.IsZero() {
			p.LoadSince = ago(since)
		}
		p.Model.Streak = failures(p.Limit.FailureThreshold+d.IntN(5), since, evidence.ProbeResult{Server: d.oneIn(2)})
		if got := Judge(p, d.before()); !got.Need.Remedy() || got.Verdict != Wedged {
			t.Fatalf("%+v\n%+v", got, p)
		}
	}
}

func TestAModelIsHealthyOnlyForAToken(t *testing.T) {
	d := newDice()
	for range rounds {
		p, before := d.anything(), d.before()
		got := Judge(p, before)
		proven := p.Model.Streak.Failures == 0 && p.Model.Streak.Successes >= p.Limit.SuccessThreshold
		if got.Answers && !proven {
			t.Fatalf("answers without a proof: %+v\n%+v", got, p)
		}
		kept := before.Verdict == got.Verdict || before.Answers && (Of(before.Verdict).Standing == Serving || Of(before.Verdict).Standing == Beyond)
		if (got.Verdict == Healthy || got.Verdict == Slow) && !proven && !kept {
			t.Fatalf("%s without a proof, after %+v\n%+v", got.Verdict, before, p)
		}
	}
}

func TestEveryJudgementSaysWhy(t *testing.T) {
	d := newDice()
	for range rounds {
		if got := Judge(d.anything(), d.before()); got.Sentence == "" || got.Verdict == "" {
			t.Fatalf("%+v", got)
		}
	}
}
