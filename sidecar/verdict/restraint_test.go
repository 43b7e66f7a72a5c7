package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestARemedyThatMustNotBe(t *testing.T) {
	jumped := func(d time.Duration) func(*Picture) {
		return taken(func(taken *Taken) { taken.ClockJumpedAt = ago(d) })
	}
	stops := func(n int) func(*Picture) {
		return taken(func(taken *Taken) { taken.FailedStops, taken.LastError = n, "no exit event" })
	}
	starts := func(n int) func(*Picture) {
		return taken(func(taken *Taken) { taken.FailedStarts, taken.LastError = n, "hook failed" })
	}
	spent := taken(func(taken *Taken) { taken.NoBudget = "the budget is spent; a person has to look" })
	server := ready(3, time.Minute, evidence.ProbeResult{Server: true})
	exited := status(evidence.Exited, time.Hour)
	held := func(words string, changes ...func(*Picture)) finding {
		return finding{picture: onCard(changes...), want: HostAction, need: Person, behind: Wedged, words: words}
	}
	due := func(model string, changes ...func(*Picture)) finding {
		return finding{picture: onCard(changes...), want: Wedged, need: Mend, model: model}
	}
	find(t, map[string]finding{
		"with a driver that does not match":       held("do not match", server, mismatch),
		"with a GPU that is lost, when it loads":  {picture: onCard(lost, crashes(3), unloadedOnce), want: HostAction, need: Person, behind: Crashed, model: target, words: "has lost GPU 0"},
		"with a container that did not stop":      held("did not stop 2 times (no exit event); look for a process in state D", server, stops(2)),
		"with one that did not stop once":         due("", server, stops(1)),
		"with a mismatch beside it":               {picture: picture(server, mismatch), want: Wedged, need: Mend},
		"an unload comes before the restart":      due(target, wedged, mismatch),
		"an unload that did not help":             {picture: onCard(wedged, mismatch, unloadedOnce), want: HostAction, need: Person, behind: Wedged, model: target},
		"a restart that comes without an unload":  {picture: onCard(wedged, mismatch, restarted), want: HostAction, need: Person, behind: Wedged, model: target},
		"others make room whatever the driver":    {picture: onCard(noRoom(2), mismatch, loadedToo("other:latest"), unloadedOnce), want: OutOfMemory, need: MakeRoom, model: target},
		"at a quiet moment, with a mismatch":      {picture: onCard(leakFor(time.Hour), mismatch), want: HostAction, behind: VRAMLeak, words: "reboot the host"},
		"without a budget, it is taken up later":  {picture: onCard(server, spent), want: HostAction, need: MendWithBudget, behind: Wedged, words: "a person has to look"},
		"without a budget, but an unload is left": due(target, wedged, spent),
		"just after the clock jumped":             {picture: onCard(server, jumped(afterJump-time.Second)), want: Wedged, words: "the clock has jumped"},
		"at a quiet moment after it jumped":       {picture: onCard(leakFor(time.Hour), jumped(time.Second)), want: VRAMLeak},
		"a while after the clock jumped":          due("", server, jumped(afterJump)),
		"a container that does not start":         {picture: onCard(exited, starts(5)), want: HostAction, need: Person, behind: Down, words: "it did not start 5 times (hook failed); a person has to look"},
		"a container that may yet start":          {picture: onCard(exited, starts(4)), want: Down, need: Mend},
		"a start is no restart":                   {picture: onCard(exited, mismatch, stops(9)), want: Down, need: Mend},
		"a start without a budget":                {picture: onCard(exited, spent), want: HostAction, need: MendWithBudget, behind: Down, words: "the budget is spent"},
		"nothing, when the engine is away":        {picture: onCard(server, mismatch, spent, engineAway), want: EngineAway},
		"nothing, when nothing is due":            {picture: onCard(mismatch, stops(9), spent), want: Healthy},
	})
	if got := Judge(onCard(leakFor(time.Hour), mismatch), Judgement{}); !got.Answers {
		t.Errorf("the model answers all the while: %+v", got)
	}
	if got := Judge(onCard(exited, starts(5)), Judgement{}); !got.ServerGone {
		t.Errorf("the container does not run: %+v", got)
	}
}

func TestARestartIsAskedForOnceMore(t *testing.T) {
	spent := taken(func(taken *Taken) { taken.NoBudget = "the budget is spent; a person has to look" })
	neverStops := taken(func(taken *Taken) { taken.FailedStops = stopsTried })
	apart := func(p *Picture) { p.Apart = "it is another one" }
	for name, c := range map[string]struct {
		picture Picture
		want    Reason
	}{
		"nothing is against it":                        {onCard(), ""},
		"one that did not stop once":                   {onCard(taken(func(taken *Taken) { taken.FailedStops = stopsTried - 1 })), ""},
		"another container than the server":            {onCard(apart, mismatch, neverStops, spent), NotTheServer},
		"it would not start again":                     {onCard(mismatch, neverStops, spent), DriverMismatch},
		"it would not, as was found at the last try":   {onCard(func(p *Picture) { p.Card.Mismatch = true }), DriverMismatch},
		"a container without a GPU":                    {picture(mismatch), ""},
		"a device that is lost":                        {onCard(lost, neverStops, spent), DeviceFailed},
		"an Xid of which the driver wants no reset":    {onCard(xid(119, evidence.AdviceNone)), ""},
		"the same, after a restart":                    {onCard(xid(119, evidence.AdviceNone), restarted), DeviceFailed},
		"one that does not stop":                       {onCard(neverStops, spent), NeverStops},
		"no budget":                                    {onCard(spent), BudgetSpent},
		"one that never started may be tried at least": {onCard(taken(func(taken *Taken) { taken.FailedStarts = startsTried })), ""},
	} {
		got := RestartForbidden(c.picture)
		if got.Reason != c.want || got.Holds() != (c.want != "") || got.Holds() != (got.Sentence != "") {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}
