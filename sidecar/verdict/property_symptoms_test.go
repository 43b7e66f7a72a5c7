package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// ailing is anything, with any symptoms beside.
func (d dice) ailing() Picture {
	p := d.anything()
	p.Container.Seen.GPURequested = !d.oneIn(4)
	d.expiry(&p)
	d.card(&p)
	if d.oneIn(4) {
		p.ClockJumpedAt = ago(d.span(2 * time.Minute))
	}
	if d.oneIn(3) {
		first := d.span(time.Hour)
		p.Refused = watch.Refusals{First: ago(first), Last: ago(d.span(min(first+1, time.Minute))), Count: 1 + d.IntN(99)}
		if d.oneIn(2) {
			p.Refused.Own = ago(d.span(time.Hour))
		}
	}
	if d.oneIn(3) {
		p.Devices.ThrottledSince, p.Devices.ThrottledBy = ago(d.span(time.Minute)), []string{"power_brake"}
	}
	if d.oneIn(2) {
		p.Model.LateSince, p.Model.Timely = ago(d.span(time.Hour)), d.oneIn(2)
		p.Model.Streak.Last.At, p.Model.Streak.Last.Answered = ago(d.span(time.Minute)), p.Model.Streak.Failures == 0
	}
	return p
}

func (d dice) expiry(p *Picture) {
	seen := ago(d.span(time.Minute))
	for i := range p.Server.Loaded {
		p.Server.Loaded[i].Size, p.Server.Loaded[i].SizeVRAM = modelSize, uint64(d.IntN(3))*modelSize/2
		p.Server.Loaded[i].SeenAt, p.Server.Loaded[i].ExpiresAt = seen, seen.Add(d.span(2*time.Hour)-time.Hour)
	}
	if d.oneIn(3) {
		loadedToo("third:latest")(p)
	}
}

func (d dice) card(p *Picture) {
	g := gpuWith(holding(1, uint64(d.IntN(3))*modelSize/2, "c1"), holding(9, modelSize, "c2"))
	g.ProcessesKnown, g.Lost, g.Coherent = !d.oneIn(4), d.oneIn(6), d.oneIn(6)
	g.Advice = []evidence.GPUAdvice{"", evidence.AdviceNone, evidence.AdviceReset}[d.IntN(3)]
	[]func(*Picture){noView, mismatch, view(), view(g), view(g, gpuWith())}[d.IntN(5)](p)
	if d.oneIn(4) {
		p.Devices.SawXid(evidence.Xid{At: ago(d.span(time.Hour)), GPU: []string{"", "GPU-1"}[d.IntN(2)], Code: 79})
	}
	p.Model.BestRatio, p.Model.UsedThisRun, p.Devices.OwnSeen = float64(d.IntN(2)), d.oneIn(2), d.oneIn(2)
	p.Devices.Hint = []evidence.GPUHint{evidence.GPUHintUnknown, evidence.GPUFound, evidence.GPUNotFound}[d.IntN(3)]
	p.OffGPU = d.oneIn(6)
	if d.oneIn(2) {
		fallen(p)
	}
	if d.oneIn(3) {
		leakFor(d.span(2 * time.Minute))(p)
	}
	if !d.oneIn(3) {
		p.Devices.WorkedAt = ago(d.span(time.Minute))
	}
}

// broken adds what proves a fault by an answer, and not by silence.
func (d dice) broken(p Picture) Picture {
	switch d.IntN(6) {
	case 0:
		noRoom(1 + d.IntN(4))(&p)
	case 1:
		crashes(1 + d.IntN(5))(&p)
	case 2:
		hollow(d.IntN(6), d.IntN(4), func(h *watch.Hollow) {
			if !d.oneIn(2) {
				h.Confirmed = ""
			}
			h.Again = d.oneIn(2)
		})(&p)
	case 3:
		status([]evidence.Status{evidence.Exited, evidence.Dead, evidence.Created, evidence.Restarting}[d.IntN(4)], d.span(5*time.Minute))(&p)
	case 4:
		tcp(d.IntN(9), evidence.ProbeResult{Refused: true})(&p)
	}
	return p
}

// each judges a number of pictures, all of them with any symptoms, and checks what is
// found and all that it may come to.
func each(t *testing.T, change func(d dice, p *Picture), check func(p Picture, got Judgement) string) {
	t.Helper()
	d := newDice()
	for range rounds {
		p := d.broken(d.ailing())
		change(d, &p)
		before := d.before()
		got := Judge(p, before)
		got.throughout(func(j Judgement) Judgement {
			if wrong := check(p, j); wrong != "" {
				t.Fatalf("%s: %+v\nof %+v\nafter %+v\n%+v", wrong, j, got, before, p)
			}
			return j
		})
	}
}

func asItIs(dice, *Picture) {}

// saidIf returns the words if they are true.
func saidIf(wrong bool, words string) string {
	if wrong {
		return words
	}
	return ""
}

// Whatever the symptoms are: as long as nothing but silence speaks against a
// server that works, a remedy waits for a quiet moment or is none.
func TestNoSymptomMakesAWorkingServerARemedysCase(t *testing.T) {
	sinceThen := func(p *Picture) {
		p.Model.Streak.FailingSince, p.Server.API.FailingSince = ago(time.Minute), ago(time.Minute)
	}
	for name, moves := range map[string][]func(*Picture){
		"the container works":    {pulse(working())},
		"it worked a moment ago": {pulse(workedUntil(watch.Stillness - 1))},
		"a stream moves":         {request("other:latest", time.Minute, time.Millisecond), sinceThen},
		"the target streams":     {request(target, 5*time.Hour, time.Millisecond), sinceThen},
		"a stream moved, unseen": {unseen, request("other:latest", time.Hour, 59*time.Second), sinceThen},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDice()
			for range rounds {
				p := d.ailing()
				for _, change := range moves {
					change(&p)
				}
				if got := Judge(p, d.before()); got.Need.Remedy() && got.Need != MendWhenQuiet {
					t.Fatalf("%+v\n%+v", got, p)
				}
			}
		})
	}
}

func TestAPersonsActIsLeftAloneWhateverElseIsWrong(t *testing.T) {
	each(t, func(_ dice, p *Picture) { p.OperatorAct = "was stopped by hand" }, func(_ Picture, got Judgement) string {
		return saidIf(got.Verdict != Stopped || got.Need != HandsOff, "a person acted")
	})
}

func TestNothingIsDueWhileTheEngineIsAway(t *testing.T) {
	each(t, func(d dice, p *Picture) { p.Container.EngineAway = ago(d.span(time.Hour)) }, func(_ Picture, got Judgement) string {
		return saidIf(got.Need.Remedy(), "the engine is away")
	})
}

func TestOnlyAModelThatAnswersIsLeftForAQuietMoment(t *testing.T) {
	each(t, asItIs, func(p Picture, got Judgement) string {
		return saidIf(got.Need == MendWhenQuiet && !(got.Answers && proven(p)), "put off")
	})
}

func TestAnswersAreClaimedOnlyForAModelThatGaveThem(t *testing.T) {
	each(t, asItIs, func(p Picture, got Judgement) string {
		return saidIf(got.Answers && (!proven(p) || runnerDied(p) || foundNoRoom(p) || saysNothing(p.Model.Hollow)), "answers")
	})
}

func TestWhatAPersonHasToDoIsSaid(t *testing.T) {
	each(t, asItIs, func(_ Picture, got Judgement) string {
		said := strings.Contains(got.Sentence, "look") || strings.Contains(got.Sentence, "advice") || strings.Contains(got.Sentence, "reboot")
		return saidIf(got.Verdict == HostAction && !said || got.Sentence == "", "says nothing")
	})
}
