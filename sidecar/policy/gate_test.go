package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// closed names what a gate is closed for: "all", or the models.
func closed(g Gate) string {
	models := strings.Join(slices.Sorted(maps.Keys(g.Models)), " ")
	switch {
	case g.Trial:
		return "all but " + models + ", on trial"
	case g.All != nil:
		return "all"
	}
	return models
}

func TestTheGateClosesForWhatTheTroubleIsAbout(t *testing.T) {
	now := time.Now()
	heard, silent := Around{Main: "main", Heard: true}, Around{Main: "main"}
	doubted := Around{Main: "main", Heard: true, InDoubt: true, Since: now}
	kept := map[string]Closure{"other": {Reason: "it dies", ExpectedOpen: now.Add(time.Minute)}, "past": {ExpectedOpen: now}}
	with := func(around Around, change func(*Around)) Around {
		change(&around)
		around.SamePlace = []string{"m", "copy of m"}
		return around
	}
	none := func(*Around) {}
	for name, c := range map[string]struct {
		m      Machine
		around Around
		want   string
	}{
		"nothing is proven":                            {Machine{State: Starting}, heard, "main"},
		"nothing is told":                              {Machine{State: Starting}, silent, "all"},
		"it works on the first proof":                  {Machine{State: Starting}, with(heard, func(a *Around) { a.Works, a.Since = true, now.Add(-proofTakes) }), ""},
		"it has just begun to":                         {Machine{State: Starting}, with(heard, func(a *Around) { a.Works, a.Since = true, now.Add(time.Second-proofTakes) }), "main"},
		"it is still":                                  {Machine{State: Starting}, with(heard, func(a *Around) { a.Since = now.Add(-time.Hour) }), "main"},
		"it answers":                                   {Machine{State: Ready}, silent, ""},
		"it answers, about a model":                    {Machine{State: Ready, Target: "m", Tried: Attempt{Rung: Restart}}, doubted, ""},
		"the main model loads":                         {Machine{State: Loading}, heard, "main"},
		"another loads":                                {Machine{State: Loading, Target: "m"}, with(heard, none), "m"},
		"it loads, and the server says nothing":        {Machine{State: Loading}, silent, "all"},
		"it loads after a restart":                     {Machine{State: Loading}, doubted, "all"},
		"it is pulled":                                 {Machine{State: Loading}, with(heard, func(a *Around) { a.Missing = true }), "main"},
		"it is pulled after a restart":                 {Machine{State: Loading}, with(doubted, func(a *Around) { a.Missing = true }), "all but main, on trial"},
		"it has had its time to load":                  {Machine{State: Loading}, with(doubted, func(a *Around) { a.Since = now.Add(-mainFirst) }), "all but main, on trial"},
		"one model is silent":                          {Machine{State: Isolated, Target: "m"}, with(heard, none), "copy of m m"},
		"one is to be unloaded":                        {Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Unload}}, with(silent, none), "copy of m m"},
		"room is to be made for one":                   {Machine{State: Isolated, Target: "m", Plan: Plan{Rung: MakeRoom}}, with(silent, none), "copy of m m"},
		"the server is to be restarted for one":        {Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Restart}}, with(heard, none), "all"},
		"that waits for the others":                    {Machine{State: Isolated, Target: "m", Plan: Plan{Rung: Restart}}, with(heard, func(a *Around) { a.RestartWaits = true }), "copy of m m"},
		"the others waited":                            {Machine{State: Recovering, Target: "m", Plan: Plan{Rung: Restart}}, with(heard, func(a *Around) { a.RestartWaits = true }), "all"},
		"one is silent again after a restart":          {Machine{State: Isolated, Target: "m", Tried: Attempt{Restart, "m"}}, with(doubted, none), "all"},
		"the server is silent":                         {Machine{State: Isolated}, heard, "all"},
		"it is restarted":                              {Machine{State: Recovering, Target: "m", Plan: Plan{Rung: Restart}, Tried: Attempt{Restart, "m"}}, heard, "all"},
		"it is started":                                {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Start}}, doubted, "all"},
		"another has answered since":                   {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Start}}, with(heard, none), "copy of m m"},
		"the main one has had its time":                {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Start}}, with(doubted, func(a *Around) { a.Since = now.Add(-mainFirst) }), "all but copy of m m, on trial"},
		"one is unloaded":                              {Machine{State: Verifying, Target: "m", Tried: Attempt{Rung: Unload}}, with(heard, none), "copy of m m"},
		"it did not come back":                         {Machine{State: Backoff, Target: "m", Tried: Attempt{Rung: Unload}}, heard, "m"},
		"it did not come back after a restart":         {Machine{State: Backoff, Target: "m", Tried: Attempt{Rung: Restart}}, doubted, "all but m, on trial"},
		"the server did not come back":                 {Machine{State: Backoff, Tried: Attempt{Rung: Restart}}, silent, "all"},
		"one is a person's":                            {Machine{State: Exhausted, Target: "m"}, heard, "m"},
		"one is, and the server is silent":             {Machine{State: Exhausted, Target: "m"}, silent, "all"},
		"one is, after a restart":                      {Machine{State: Exhausted, Target: "m"}, doubted, "all but m, on trial"},
		"the server is a person's":                     {Machine{State: Exhausted}, doubted, "all"},
		"a person stopped it":                          {Machine{State: Stopped, Target: "m"}, heard, "all"},
		"Clawgate only watches":                        {Machine{State: Isolated, Passive: true}, heard, ""},
		"it only watches, and a person restarts":       {Machine{State: Recovering, Passive: true, Plan: Plan{Rung: Restart}, Tried: Attempt{Restart, ""}}, heard, "all"},
		"another is kept out":                          {Machine{State: Ready}, Around{KeptOut: kept}, "other"},
		"another is kept out beside one":               {Machine{State: Isolated, Target: "m"}, Around{KeptOut: kept, SamePlace: []string{"m"}}, "m other"},
		"another is kept out of a trial":               {Machine{State: Backoff}, with(doubted, func(a *Around) { a.KeptOut = kept }), "all but main other, on trial"},
		"another is kept out of a server that is shut": {Machine{State: Isolated}, Around{KeptOut: kept}, "all"},
		"it only watches who would be kept out":        {Machine{State: Ready, Passive: true}, Around{KeptOut: kept}, ""},
	} {
		if got := closed(GateOf(c.m, c.around, now)); got != c.want {
			t.Errorf("%s: closed for %q, want %q", name, got, c.want)
		}
	}
}

func TestATrialMayBeWaitedFor(t *testing.T) {
	gate := GateOf(Machine{State: Exhausted, Target: "m"}, Around{Heard: true, InDoubt: true, Sentence: "it is silent"}, time.Now())
	if !gate.All.MayHold || gate.Models["m"].MayHold || gate.All.Reason == gate.Models["m"].Reason {
		t.Errorf("%+v, %+v", gate.All, gate.Models)
	}
}

func TestHowLongWhoComesFirstWaitsAtLeast(t *testing.T) {
	loads := Around{Sentence: "it is silent", Heard: true, Untroubled: true, LoadTimeout: time.Minute, Main: "m"}
	with := func(change func(*Around)) Around {
		around := loads
		change(&around)
		return around
	}
	for name, c := range map[string]struct {
		state  State
		around Around
		want   time.Duration
	}{
		"for the first proof":   {Starting, Around{Heard: true}, 10 * time.Second},
		"for a load":            {Loading, loads, time.Minute},
		"for one after trouble": {Loading, with(func(a *Around) { a.Untroubled = false }), 0},
		"for a pull":            {Loading, with(func(a *Around) { a.Pull.Since = now }), 0},
		"for what is missing":   {Loading, with(func(a *Around) { a.Missing = true }), 0},
		"for a remedy":          {Recovering, loads, 0},
	} {
		gate := GateOf(Machine{State: c.state, Target: "m"}, c.around, now)
		closure := gate.Models["m"]
		if gate.All != nil {
			closure = *gate.All
		}
		if closure.Reason == "" && c.state != Recovering || closure.HoldFor != c.want {
			t.Errorf("%s: %+v", name, closure)
		}
	}
}

func TestWhoHasAnsweredIsTold(t *testing.T) {
	proved := map[string]bool{"m": true}
	for name, c := range map[string]struct {
		m    Machine
		want int
	}{
		"ready": {Machine{State: Ready}, 1}, "one is silent": {Machine{State: Isolated, Target: "m"}, 1}, "only watching": {Machine{State: Ready, Passive: true}, 0},
	} {
		if got := GateOf(c.m, Around{Proved: proved}, now).Proved; len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAModelThatIsKeptOutIsToldTheTroubleOfNow(t *testing.T) {
	around := Around{SamePlace: []string{"m"}, Sentence: "it is silent", KeptOut: map[string]Closure{"m": {Reason: "it dies", ExpectedOpen: time.Now().Add(time.Hour)}}}
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
		"as long as the last time":     {Machine{State: Verifying}, Around{InDoubt: true, Since: now, LastRecovery: 9 * time.Second}, true, 9 * time.Second},
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
