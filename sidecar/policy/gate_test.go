package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// closed names what a gate is closed for: "all", or the models.
func closed(g Gate) string {
	if g.All != nil {
		return "all"
	}
	return strings.Join(slices.Sorted(maps.Keys(g.Models)), " ")
}

func TestTheGateClosesForWhatTheTroubleIsAbout(t *testing.T) {
	now := time.Now()
	answers, fails := watch.Streak{Successes: 1}, watch.Streak{Failures: 1}
	missing := watch.Streak{Failures: 1, Last: evidence.ProbeResult{Missing: true}}
	kept := map[string]Closure{"other": {Reason: "it dies", ExpectedOpen: now.Add(time.Minute)}, "past": {ExpectedOpen: now}}
	for name, c := range map[string]struct {
		m      Machine
		around Around
		want   string
	}{
		"nothing is proven":                            {Machine{State: Starting}, Around{API: answers}, "all"},
		"it answers":                                   {Machine{State: Ready}, Around{}, ""},
		"it answers, about a model":                    {Machine{State: Ready, Target: "m", Tried: Attempt{Rung: Restart}}, Around{}, ""},
		"the main model loads":                         {Machine{State: Loading}, Around{Main: "main", API: answers}, "main"},
		"another loads":                                {Machine{State: Loading, Target: "m"}, Around{Main: "main", API: answers}, "m"},
		"it loads, and the server says nothing":        {Machine{State: Loading}, Around{Main: "main"}, "all"},
		"it loads, and the server is silent":           {Machine{State: Loading}, Around{Main: "main", API: fails}, "all"},
		"it is pulled":                                 {Machine{State: Loading}, Around{Main: "main", API: missing}, "main"},
		"one model is silent":                          {Machine{State: Isolated, Target: "m"}, Around{}, "m"},
		"one is to be unloaded":                        {Machine{State: Isolated, Target: "m", Tried: Attempt{Rung: Unload}}, Around{}, "m"},
		"room is to be made for one":                   {Machine{State: Isolated, Target: "m", Tried: Attempt{Rung: MakeRoom}}, Around{}, "m"},
		"the server is to be restarted for one":        {Machine{State: Isolated, Target: "m", Tried: Attempt{Rung: Restart}}, Around{}, "all"},
		"the server is silent":                         {Machine{State: Isolated}, Around{}, "all"},
		"it is restarted":                              {Machine{State: Recovering, Target: "m", Plan: Plan{Rung: Restart}, Tried: Attempt{Restart, "m"}}, Around{}, "all"},
		"it is started":                                {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Start}}, Around{}, "all"},
		"one is unloaded":                              {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Unload}}, Around{}, "m"},
		"it did not come back":                         {Machine{State: Backoff, Target: "m", Tried: Attempt{Rung: Unload}}, Around{API: answers}, "all"},
		"one is a person's":                            {Machine{State: Exhausted, Target: "m"}, Around{API: answers}, "m"},
		"one is, and the server is silent":             {Machine{State: Exhausted, Target: "m"}, Around{API: fails}, "all"},
		"a person stopped it":                          {Machine{State: Stopped, Target: "m"}, Around{}, "all"},
		"Clawgate only watches":                        {Machine{State: Isolated, Passive: true}, Around{}, ""},
		"it only watches, and a person restarts":       {Machine{State: Recovering, Passive: true, Plan: Plan{Rung: Restart}, Tried: Attempt{Restart, ""}}, Around{}, "all"},
		"another is kept out":                          {Machine{State: Ready}, Around{KeptOut: kept}, "other"},
		"another is kept out beside one":               {Machine{State: Isolated, Target: "m"}, Around{KeptOut: kept}, "m other"},
		"another is kept out of a server that is shut": {Machine{State: Isolated}, Around{KeptOut: kept}, "all"},
		"it only watches who would be kept out":        {Machine{State: Ready, Passive: true}, Around{KeptOut: kept}, ""},
	} {
		if got := closed(GateOf(c.m, c.around, now)); got != c.want {
			t.Errorf("%s: closed for %q, want %q", name, got, c.want)
		}
	}
}

func TestAModelThatIsKeptOutIsToldTheTroubleOfNow(t *testing.T) {
	around := Around{Sentence: "it is silent", KeptOut: map[string]Closure{"m": {Reason: "it dies", ExpectedOpen: time.Now().Add(time.Hour)}}}
	gate := GateOf(Machine{State: Isolated, Target: "m"}, around, time.Now())
	if got := gate.Models["m"].Reason; got != "it is silent" {
		t.Errorf("%q", got)
	}
}

func TestWhoMayWaitAtTheGateAndForHowLong(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, c := range map[string]struct {
		m       Machine
		around  Around
		mayHold bool
		open    time.Duration // from now; 0 for nobody knows
	}{
		"a start":                      {Machine{State: Starting}, Around{Since: ago(2 * time.Second)}, true, 40 * time.Second},
		"one that takes longer":        {Machine{State: Starting}, Around{Since: ago(time.Hour)}, true, 2 * time.Second},
		"trouble that began before":    {Machine{State: Recovering}, Around{Since: now, TroubleSince: ago(12 * time.Second)}, true, 30 * time.Second},
		"as long as the last time":     {Machine{State: Verifying}, Around{Since: now, LastRecovery: 9 * time.Second}, true, 9 * time.Second},
		"a load":                       {Machine{State: Loading}, Around{Since: now, LastLoad: time.Minute, LastRecovery: time.Second}, true, time.Minute},
		"a pull by what is left":       {Machine{State: Loading}, Around{Pull: Pull{Since: ago(10 * time.Second), Done: 1, Total: 3}}, true, 20 * time.Second},
		"a pull that has told nothing": {Machine{State: Loading}, Around{Since: now, Pull: Pull{Since: now, Total: 3}}, true, 42 * time.Second},
		"a pause":                      {Machine{State: Backoff}, Around{Since: ago(time.Hour), BackoffEnds: now.Add(time.Minute)}, true, 102 * time.Second},
		"a person is needed":           {Machine{State: Exhausted}, Around{Since: now}, false, 0},
		"a person has stopped it":      {Machine{State: Stopped}, Around{Since: now}, false, 0},
	} {
		all := GateOf(c.m, c.around, now).All
		if all == nil || all.MayHold != c.mayHold {
			t.Errorf("%s: %+v", name, all)
			continue
		}
		if open := all.ExpectedOpen; c.open == 0 && !open.IsZero() || c.open != 0 && open.Sub(now) != c.open {
			t.Errorf("%s: open %s", name, open.Sub(now))
		}
	}
}

// What is told of a gate changes once a second, and by the monotonic clock: a time without
// its reading is the wall clock's.
func TestAGateIsToldOfOnceASecond(t *testing.T) {
	since := time.Now()
	for name, c := range map[string]struct {
		m      Machine
		around Around
	}{
		"that opens late":       {Machine{State: Starting}, Around{Since: since}},
		"that waits for a pull": {Machine{State: Loading}, Around{Since: since, Pull: Pull{Since: since, Done: 1 << 40, Total: 1<<40 + 1}}},
	} {
		told := map[time.Time]bool{}
		for step := range 30 {
			now := since.Add(time.Hour + time.Duration(step)*100*time.Millisecond)
			open := GateOf(c.m, c.around, now).All.ExpectedOpen
			if open == open.Round(0) {
				t.Fatalf("%s is told of by the wall clock", name)
			}
			if wait := open.Sub(now); wait < -time.Second || wait > 2*time.Second {
				t.Errorf("%s: in %s", name, wait)
			}
			told[open] = true
		}
		if len(told) != 3 {
			t.Errorf("%s is told of %d times in 3 seconds", name, len(told))
		}
	}
}
