package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

var (
	passed  = evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, At: now}
	failed  = evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Failure, At: now, Reason: "no answer"}
	unknown = evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Unknown, At: now, Reason: "it is not listed"}
)

// hears takes the answer to the attempt that is open.
func hears(k *Keeper, result evidence.ProbeResult) []Act {
	return k.decides(func(k *Keeper) { k.ended(watch.ProbeAnswered{ID: 1, Result: result}) })
}

func TestWhatAnAnswerCounts(t *testing.T) {
	server := failed
	server.Server = true
	starts := func(k *Keeper) { k.seen.Server.Answered, k.seen.Container.Seen.StartedAt = false, ago(time.Second) }
	undecidedServer := unknown
	undecidedServer.Server = true
	recheck, interval := undecided.began.Add(5*time.Second), undecided.began.Add(30*time.Second)
	for name, c := range map[string]struct {
		given               []given
		attempt             attempt
		result              evidence.ProbeResult
		successes, failures int
		next                time.Time // zero for as before
	}{
		"a success":                         {nil, undecided, passed, 2, 0, interval},
		"the first of two":                  {[]given{unproved, func(k *Keeper) { k.settings.SuccessThreshold = 2 }}, undecided, passed, 1, 0, now},
		"the last of those that are wanted": {[]given{unproved}, undecided, passed, 1, 0, interval},
		"a failure":                         {nil, undecided, failed, 0, 1, recheck},
		"a success after all":               {nil, counted, passed, 2, 0, counted.began.Add(30 * time.Second)},
		"a failure that has counted":        {nil, counted, failed, 1, 0, time.Time{}},
		"nothing, after it has counted":     {nil, counted, unknown, 1, 0, time.Time{}},
		"an answer that came too late":      {nil, superseded, passed, 1, 0, time.Time{}},
		"nothing":                           {nil, undecided, unknown, 1, 0, now.Add(5 * time.Second)},
		"nothing, before one that asks all": {[]given{func(k *Keeper) { k.probes.anyway = true }}, undecided, unknown, 1, 0, now},
		"a silent server":                   {nil, undecided, server, 0, 1, recheck},
		"one that has just started":         {[]given{starts}, undecided, server, 1, 0, now.Add(startingRecheck)},
		"one that has, and said something":  {[]given{starts}, undecided, undecidedServer, 1, 0, now.Add(5 * time.Second)},
		"a silent model in one that has":    {[]given{starts}, undecided, failed, 0, 1, recheck},
	} {
		k := serving(append(c.given, open(c.attempt))...)
		if c.next.IsZero() {
			c.next = k.probes.next
		}
		_, told := did[Probed](hears(k, c.result))
		streak := k.seen.Focused().Streak
		if streak.Successes != c.successes || streak.Failures != c.failures || !k.probes.next.Equal(c.next) {
			t.Errorf("%s: %d successes, %d failures, the next one at %s", name, streak.Successes, streak.Failures, k.probes.next)
		}
		if counts := streak.Successes == 2 || streak.Failures == 1; counts && !told || !k.probes.find(1).superseded {
			t.Errorf("%s: told: %v, %+v", name, told, k.probes.find(1))
		}
	}
}

func TestTheSilenceOfAServerThatStartsIsADoubt(t *testing.T) {
	k, server := serving(open(undecided), func(k *Keeper) { k.seen.Server.Answered, k.seen.Container.Seen.StartedAt = false, now }), failed
	server.Server = true
	if hears(k, server); k.seen.Focused().Streak.Inconclusive != "the server has just started: no answer" {
		t.Errorf("%+v", k.seen.Focused().Streak)
	}
}

func TestAnAnswerThatNobodyWaitsFor(t *testing.T) {
	if acts := hears(serving(), passed); len(acts) > 0 {
		t.Errorf("%+v", acts)
	}
}

func TestASuccessEndsAllDoubt(t *testing.T) {
	gone := evidence.Container{Status: evidence.Exited, Identity: evidence.Identity{ID: "c1"}}
	k := serving(open(undecided, counted), unanswered, func(k *Keeper) { k.seen.Server.API = failures(2, evidence.ProbeResult{}) })
	k.seen.Role.Follow(ago(20*time.Second), ago(20*time.Second), gone)
	acts := hears(k, passed)
	if _, inspects := did[Kick](acts); !inspects {
		t.Error("nobody asks who it is that answers")
	}
	if !k.probes.find(2).superseded || !k.seen.Focused().Token.Equal(now) || k.seen.Server.API.Failures > 0 {
		t.Errorf("%+v, %+v, %+v", k.probes.find(2), k.seen.Focused(), k.seen.Server.API)
	}
	late := passed
	late.Late = true
	k = serving(open(undecided))
	if hears(k, late); !k.seen.Focused().LateSince.Equal(now) {
		t.Error("that it came late is not noted")
	}
}

func TestAModelThatAnswersUnlistedIsInMemory(t *testing.T) {
	for _, unlisted := range []bool{true, false} {
		k := serving(notLoaded, open(attempt{began: ago(time.Second), unlisted: unlisted}))
		if hears(k, passed); k.seen.Server.IsLoaded(mainOne) != unlisted {
			t.Errorf("asked unlisted: %v, it is listed: %v", unlisted, !unlisted)
		}
	}
}

func TestAnAnswerTellsOfADeath(t *testing.T) {
	for _, crash := range []bool{true, false} {
		k, result := serving(open(undecided)), failed
		result.Crash = crash
		if hears(k, result); k.seen.Focused().Crashes.Len() == 1 != crash {
			t.Errorf("the runner died: %v, and %d deaths count", crash, k.seen.Focused().Crashes.Len())
		}
	}
}

func TestARunnerThatWasLoadedForAProbeIsLookedAt(t *testing.T) {
	for _, loaded := range []bool{true, false} {
		k := serving(open(superseded))
		k.ended(watch.ProbeAnswered{ID: 1, Result: passed, Loaded: loaded})
		if slices.Contains(k.looks.wanted, mainOne) != loaded {
			t.Errorf("loaded: %v, looked at: %v", loaded, k.looks.wanted)
		}
	}
}

func TestAnotherModelHasBeenLookedAtLongEnough(t *testing.T) {
	for name, c := range map[string]struct {
		result evidence.ProbeResult
		state  State
		want   string // the model that is looked at then
	}{
		"once it has answered":                 {passed, Ready, mainOne},
		"once it has, after a remedy for it":   {passed, Verifying, mainOne},
		"once it is seen to be not there":      {unknown, Ready, mainOne},
		"not while it is that which is mended": {unknown, Verifying, otherOne},
		"not when it fails":                    {failed, Ready, otherOne},
	} {
		k := serving(stands(c.state), aside, open(undecided))
		if hears(k, c.result); k.Focus() != c.want {
			t.Errorf("%s: it looks at %s", name, k.Focus())
		}
	}
}
