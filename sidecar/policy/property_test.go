package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// troubles are what a random picture is made of, in any number and order.
var troubles = []change{
	works, unseen, unread, doubt, unloaded, engineAway, jumped(afterJump - time.Second), jumped(afterJump), jumped(2 * hour),
	exited(time.Second), exited(hour), failing(1), silent, serverSilent, apiSilent, missing, nobodyListens,
	loading(time.Minute), loading(hour), loadedToo, stuck, crashes(1), crashes(3), inspectedBefore(time.Minute),
	noRoom(1), noRoom(2), hollow, hollowAgain, refused, late, throttled, leaking, paceFallen,
	noView, mismatch, lost, xid(""), xid(evidence.AdviceNone), xid(evidence.AdviceReset), neverThere, meantSo,
	func(p *verdict.Picture) { p.Main = "main:latest" },
	func(p *verdict.Picture) { p.OperatorAct = "was stopped by hand" },
	func(p *verdict.Picture) { p.Unfinished = true },
	func(p *verdict.Picture) { p.Devices.OwnSeen = false },
	func(p *verdict.Picture) { p.Devices.Mismatch = true },
	func(p *verdict.Picture) { p.Container.EngineBack = now },
}

// dice makes random pictures, the same ones in every run.
type dice struct{ *rand.Rand }

func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func (d dice) picture() verdict.Picture {
	p := picture()
	if !d.oneIn(4) {
		p = onCard()
		if d.oneIn(4) {
			onCPU(&p)
		}
	}
	for range d.IntN(6) {
		troubles[d.IntN(len(troubles))](&p)
	}
	return p
}

func (d dice) before() verdict.Judgement {
	return verdict.Judgement{
		Verdict: verdict.All[d.IntN(len(verdict.All))], Sentence: "before",
		Need: verdict.Needs[d.IntN(len(verdict.Needs))], Answers: d.oneIn(2),
	}
}

func (d dice) attempts() Attempts {
	tried := Attempts{Unloaded: d.oneIn(2), MadeRoom: d.oneIn(2), Restarted: d.oneIn(2)}
	if d.oneIn(3) {
		tried.FailedStarts, tried.FailedStops, tried.LastError = d.IntN(7), d.IntN(4), "the engine said no"
	}
	if d.oneIn(3) {
		tried.QuietMoments = []verdict.Verdict{[]verdict.Verdict{verdict.GPULost, verdict.CPUFallback, verdict.VRAMLeak, verdict.Slow}[d.IntN(4)]}
	}
	if d.oneIn(4) {
		tried.NoBudget = spent.NoBudget
	}
	return tried
}

// each settles a number of judgements and has what comes of it checked. Every verdict
// has to be among them, so that nothing is true for want of a case.
func each(t *testing.T, check func(p verdict.Picture, tried Attempts, got verdict.Judgement) (wrong bool)) {
	t.Helper()
	d := dice{rand.New(rand.NewPCG(1, 2))}
	met := map[verdict.Verdict]bool{}
	for range 3_000 {
		p, tried, before := d.picture(), d.attempts(), d.before()
		got := Settle(verdict.Judge(p, before), p, tried)
		met[got.Verdict] = true
		if check(p, tried, got) {
			t.Fatalf("%+v\nafter %+v\n%+v\n%+v", got, before, tried, p)
		}
	}
	if len(met) != len(verdict.All) {
		t.Errorf("of %d verdicts only %d are met", len(verdict.All), len(met))
	}
}

func TestNoRestartThatMakesThingsWorse(t *testing.T) {
	each(t, func(p verdict.Picture, tried Attempts, got verdict.Judgement) bool {
		unload := got.Model != "" && !tried.Unloaded && !tried.Restarted
		if !got.Need.Remedy() || got.Need == verdict.MakeRoom || got.ServerGone || unload {
			return false
		}
		mismatches := (p.Devices.View.Mismatch || p.Devices.Mismatch) && p.Container.Seen.GPURequested
		concerned := p.Container.Seen.GPURequested || p.Devices.OwnSeen
		gone := len(p.Devices.View.GPUs) > 0 && p.Devices.View.GPUs[0].Lost
		harmless := verdict.RestartMayHelp(p) && !tried.Restarted
		return mismatches || concerned && (gone || len(p.Devices.Xids()) > 0 && !harmless) || tried.FailedStops >= stopsTried || tried.NoBudget != "" && got.Need != verdict.MendWithBudget
	})
}

func TestNothingIsBegunJustAfterTheClockJumped(t *testing.T) {
	each(t, func(p verdict.Picture, _ Attempts, got verdict.Judgement) bool {
		return got.Need.Remedy() && !p.ClockJumpedAt.IsZero() && p.Now.Sub(p.ClockJumpedAt) < afterJump
	})
}

func TestOnlyABudgetIsWaitedForInVain(t *testing.T) {
	each(t, func(_ verdict.Picture, tried Attempts, got verdict.Judgement) bool {
		return got.Need == verdict.MendWithBudget && tried.NoBudget == ""
	})
}

// Whatever is found of a server that is not the container, nothing is done about it.
func TestNothingIsDueForAServerThatIsNotTheContainer(t *testing.T) {
	each(t, func(p verdict.Picture, tried Attempts, _ verdict.Judgement) bool {
		p.Apart, p.Container.Seen, p.Container.Known, p.Server.Pulse = "it is another one", evidence.Container{}, false, watch.Pulse{}
		got := Settle(verdict.Judge(p, verdict.Judgement{}), p, tried)
		return got.Need.Remedy() || got.ServerGone || RestartForbidden(p, tried).Reason != NotTheServer
	})
}

func TestWhatMustNotBeDoneIsToldWithWhatAPersonHasToDo(t *testing.T) {
	each(t, func(_ verdict.Picture, _ Attempts, got verdict.Judgement) bool {
		said := strings.Contains(got.Sentence, "look") || strings.Contains(got.Sentence, "advice") || strings.Contains(got.Sentence, "reboot")
		return got.Verdict == verdict.HostAction && !said || got.Sentence == ""
	})
}

func TestNothingIsNeededThatTheRecordDoesNotHave(t *testing.T) {
	each(t, func(_ verdict.Picture, _ Attempts, got verdict.Judgement) bool {
		return !slices.Contains(mayNeed(got.Verdict), got.Need) || got.Then != nil
	})
}

// What stands behind a restraint is something that a remedy was due for.
func TestOnlyWhatARemedyIsKeptFromChangesItsName(t *testing.T) {
	each(t, func(_ verdict.Picture, _ Attempts, got verdict.Judgement) bool {
		return got.Behind != "" && (got.Verdict != verdict.HostAction || !verdict.Of(got.Behind).Mends())
	})
}

func TestNothingIsDueWhileTheEngineIsAway(t *testing.T) {
	each(t, func(p verdict.Picture, _ Attempts, got verdict.Judgement) bool {
		return got.Need.Remedy() && !p.Container.EngineAway.IsZero()
	})
}
