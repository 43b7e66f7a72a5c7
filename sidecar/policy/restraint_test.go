package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// What is known against a restart.
var (
	spent      = Attempts{NoBudget: "the budget is spent; a person has to look"}
	neverStops = stops(stopsTried)
)

func stops(n int) Attempts  { return Attempts{FailedStops: n, LastError: "no exit event"} }
func starts(n int) Attempts { return Attempts{FailedStarts: n, LastError: "hook failed"} }

// and is what was tried beside.
func (a Attempts) and(change func(*Attempts)) Attempts {
	change(&a)
	return a
}

func TestARemedyThatMustNotBe(t *testing.T) {
	held := func(words string, tried Attempts, changes ...change) settled {
		return settled{picture: onCard(changes...), tried: tried, want: verdict.HostAction, need: verdict.Person, behind: verdict.Wedged, words: words}
	}
	due := func(model string, tried Attempts, changes ...change) settled {
		return settled{picture: onCard(changes...), tried: tried, want: verdict.Wedged, need: verdict.Mend, model: model}
	}
	unload, restart, nothing := Attempts{Unloaded: true}, Attempts{Restarted: true}, Attempts{}
	hour := exited(time.Hour)
	settle(t, map[string]settled{
		"with a driver that does not match":       held("do not match", nothing, serverSilent, mismatch),
		"with a GPU that is lost, when it loads":  {picture: onCard(lost, crashes(3)), tried: unload, want: verdict.HostAction, need: verdict.Person, behind: verdict.Crashed, model: target, words: "has lost GPU 0"},
		"with one, and a server silent over it":   held("has lost GPU 0 (a card); look at the host", nothing, lost, unread, loading(time.Minute), apiSilent),
		"with a container that did not stop":      held("did not stop 2 times (no exit event); look for a process in state D", stops(2), serverSilent),
		"with one that did not stop once":         due("", stops(1), serverSilent),
		"with a mismatch beside it":               {picture: picture(serverSilent, mismatch), want: verdict.Wedged, need: verdict.Mend},
		"an unload comes before the restart":      due(target, nothing, silent, mismatch),
		"an unload that did not help":             {picture: onCard(silent, mismatch), tried: unload, want: verdict.HostAction, need: verdict.Person, behind: verdict.Wedged, model: target},
		"a restart that comes without an unload":  {picture: onCard(silent, mismatch), tried: restart, want: verdict.HostAction, need: verdict.Person, behind: verdict.Wedged, model: target},
		"others make room whatever the driver":    {picture: onCard(noRoom(2), mismatch, loadedToo), tried: unload, want: verdict.OutOfMemory, need: verdict.MakeRoom, model: target},
		"after room was made":                     {picture: onCard(stuck, mismatch), tried: Attempts{Unloaded: true, MadeRoom: true}, want: verdict.HostAction, need: verdict.Person, behind: verdict.Wedged, model: other, answers: true},
		"empty answers, at first":                 {picture: onCard(hollow, mismatch), want: verdict.Garbage, need: verdict.Mend, model: target},
		"empty answers after an unload":           {picture: onCard(hollow, mismatch), tried: unload, want: verdict.HostAction, need: verdict.Person, behind: verdict.Garbage, model: target},
		"at a quiet moment, with a mismatch":      {picture: onCard(leaking, mismatch), want: verdict.HostAction, behind: verdict.VRAMLeak, answers: true, words: "reboot the host"},
		"for the GPU, with a mismatch":            {picture: onCard(func(p *verdict.Picture) { p.Server.Loaded[0].SizeVRAM = 0 }, mismatch, paceFallen), want: verdict.HostAction, behind: verdict.GPULost, answers: true, words: "no restart"},
		"without a budget, it is taken up later":  {picture: onCard(serverSilent), tried: spent, want: verdict.HostAction, need: verdict.MendWithBudget, behind: verdict.Wedged, words: "a person has to look"},
		"without a budget, but an unload is left": due(target, spent, silent),
		"without a budget, at a quiet moment":     {picture: onCard(leaking), tried: spent, want: verdict.HostAction, need: verdict.Nothing, behind: verdict.VRAMLeak, answers: true, words: "the budget is spent"},
		"just after the clock jumped":             {picture: onCard(serverSilent, jumped(afterJump-time.Second)), want: verdict.Wedged, words: "the clock has jumped"},
		"at a quiet moment after it jumped":       {picture: onCard(leaking, jumped(time.Second)), want: verdict.VRAMLeak, answers: true},
		"a while after the clock jumped":          due("", nothing, serverSilent, jumped(afterJump)),
		"a container that does not start":         {picture: onCard(hour), tried: starts(5), want: verdict.HostAction, need: verdict.Person, behind: verdict.Down, gone: true, answers: true, words: "it did not start 5 times (hook failed); a person has to look"},
		"a container that may yet start":          {picture: onCard(hour), tried: starts(4), want: verdict.Down, need: verdict.Mend, gone: true, answers: true},
		"a start is no restart":                   {picture: onCard(hour, mismatch), tried: stops(9), want: verdict.Down, need: verdict.Mend, gone: true, answers: true},
		"a start without a budget":                {picture: onCard(hour), tried: spent, want: verdict.HostAction, need: verdict.MendWithBudget, behind: verdict.Down, gone: true, answers: true, words: "the budget is spent"},
		"of a container that is not the server":   {picture: onCard(silent, apart), want: verdict.HostAction, need: verdict.Person, behind: verdict.Wedged, model: target, words: "nothing is healed: it is another one"},
		"not even a start of it":                  {picture: onCard(hour, apart), tried: starts(9), want: verdict.HostAction, need: verdict.Person, behind: verdict.Down, gone: true, answers: true, words: "nothing is healed"},
		"nothing, when the engine is away":        {picture: onCard(serverSilent, mismatch, engineAway), tried: spent, want: verdict.EngineAway},
		"nothing, when nothing is due":            {picture: onCard(mismatch), tried: stops(9).and(func(a *Attempts) { a.NoBudget = spent.NoBudget }), want: verdict.Healthy, answers: true},
	})
}

func TestARestartIsAskedForOnceMore(t *testing.T) {
	all := neverStops.and(func(a *Attempts) { a.NoBudget = spent.NoBudget })
	for name, c := range map[string]struct {
		picture verdict.Picture
		tried   Attempts
		want    Reason
	}{
		"nothing is against it":                        {onCard(), Attempts{}, ""},
		"one that did not stop once":                   {onCard(), stops(stopsTried - 1), ""},
		"another container than the server":            {onCard(apart, mismatch), all, NotTheServer},
		"it would not start again":                     {onCard(mismatch), all, DriverMismatch},
		"it would not, as was found at the last try":   {onCard(func(p *verdict.Picture) { p.Devices.Mismatch = true }), Attempts{}, DriverMismatch},
		"a container without a GPU":                    {picture(mismatch), Attempts{}, ""},
		"a device that is lost":                        {onCard(lost), all, DeviceFailed},
		"an Xid of which the driver wants no reset":    {onCard(xid(evidence.AdviceNone)), Attempts{}, ""},
		"the same, after a restart":                    {onCard(xid(evidence.AdviceNone)), Attempts{Restarted: true}, DeviceFailed},
		"nothing is wrong with it, after a restart":    {onCard(), Attempts{Restarted: true}, ""},
		"one that does not stop":                       {onCard(), all, NeverStops},
		"no budget":                                    {onCard(), spent, BudgetSpent},
		"one that never started may be tried at least": {onCard(), starts(startsTried), ""},
	} {
		got := RestartForbidden(c.picture, c.tried)
		if got.Reason != c.want || got.Holds() != (c.want != "") || got.Holds() != (got.Sentence != "") {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}
