package policy

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestWhatWasTriedIsNoted(t *testing.T) {
	for rung, want := range map[Rung]Attempts{
		MakeRoom: {MadeRoom: true}, Unload: {Unloaded: true}, Restart: {Restarted: true}, Start: {},
	} {
		k := serving()
		if k.noteTried(rung); !reflect.DeepEqual(k.remedy.tried, want) {
			t.Errorf("%s: %+v", rung, k.remedy.tried)
		}
	}
}

func TestAQuietMomentIsUsedUp(t *testing.T) {
	for name, c := range map[string]struct {
		waits  verdict.Verdict
		reason string
		used   bool
	}{
		"by what waited for it":            {verdict.VRAMLeak, "vram_leak", true},
		"not by trouble that came between": {verdict.VRAMLeak, "wedged", false},
		"not if nothing waited":            {"", "", false},
	} {
		k := serving(func(k *Keeper) { k.quiet.verdict, k.remedy.reason = c.waits, c.reason })
		k.noteTried(Restart)
		if used := len(k.tried().QuietMoments) > 0; used != c.used || c.waits != "" && (k.quiet == quietWait{}) != c.used {
			t.Errorf("%s: %v, %+v", name, k.remedy.quietMoments, k.quiet)
		}
	}
}

func TestWhatWasTriedAboutThePresentTrouble(t *testing.T) {
	unloaded := func(k *Keeper) { k.remedy.tried.Unloaded, k.machine.Tried.Model = true, mainOne }
	moments := func(since ...time.Duration) given {
		return func(k *Keeper) {
			for i, d := range since {
				k.remedy.tookQuietly([]verdict.Verdict{verdict.VRAMLeak, verdict.Slow}[i], ago(d))
			}
		}
	}
	const spent = "the budget of 3 restarts in 1h0m0s is spent; a person has to look"
	for name, c := range map[string]struct {
		given []given
		want  Attempts
	}{
		"nothing":                            {nil, Attempts{}},
		"an unload":                          {[]given{unloaded}, Attempts{Unloaded: true}},
		"not because room was made":          {[]given{func(k *Keeper) { k.machine.Tried.Model = mainOne }}, Attempts{}},
		"not one of another model":           {[]given{unloaded, aside}, Attempts{}},
		"a restart, whatever is looked at":   {[]given{aside, func(k *Keeper) { k.remedy.tried.Restarted = true }}, Attempts{Restarted: true}},
		"a quiet moment, within a day":       {[]given{moments(onceFor - 1)}, Attempts{QuietMoments: []verdict.Verdict{verdict.VRAMLeak}}},
		"not one that is longer ago":         {[]given{moments(onceFor)}, Attempts{}},
		"two, in order":                      {[]given{moments(0, 0)}, Attempts{QuietMoments: []verdict.Verdict{verdict.Slow, verdict.VRAMLeak}}},
		"all that the budget has":            {[]given{spending(3), stands(Exhausted)}, Attempts{NoBudget: spent}},
		"not while it has one":               {[]given{spending(2), stands(Exhausted)}, Attempts{}},
		"not while the gate is open all the": {[]given{spending(3)}, Attempts{}},
	} {
		if got := serving(c.given...).tried(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatTheEngineCouldNotDo(t *testing.T) {
	before := Attempts{FailedStops: 1, FailedStarts: 1, LastError: "before"}
	for name, c := range map[string]struct {
		rung    Rung
		failure *watch.EngineError
		want    Attempts
	}{
		"nothing":                          {Restart, nil, Attempts{LastError: "before"}},
		"stop it":                          {Restart, &watch.EngineError{Text: "now", Kind: watch.WontDie}, Attempts{FailedStops: 2, FailedStarts: 1, LastError: "now"}},
		"start it after a stop":            {Restart, &watch.EngineError{Text: "now", Kind: watch.StartFailed}, Attempts{FailedStops: 1, FailedStarts: 2, LastError: "now"}},
		"start it":                         {Start, &watch.EngineError{Text: "now"}, Attempts{FailedStops: 1, FailedStarts: 2, LastError: "now"}},
		"restart it, for some reason":      {Restart, &watch.EngineError{Text: "now"}, before},
		"restart it without losing it":     {Restart, &watch.EngineError{Text: "now", Kind: watch.Mismatch}, before},
		"start what would not start again": {Start, &watch.EngineError{Text: "now", Kind: watch.Mismatch}, before},
	} {
		k := serving(func(k *Keeper) { k.remedy.tried = before })
		k.noteFailure(c.rung, c.failure)
		mismatch := c.failure != nil && c.failure.Kind == watch.Mismatch
		if !reflect.DeepEqual(k.remedy.tried, c.want) || k.seen.Devices.Mismatch != mismatch {
			t.Errorf("%s: %+v, mismatch: %v", name, k.remedy.tried, k.seen.Devices.Mismatch)
		}
	}
}

func TestWhatIsLoadedAgain(t *testing.T) {
	k := serving(aside, loaded(evidence.LoadedModel{Name: otherOne}))
	k.loads.restore = []evidence.LoadedModel{{Name: otherOne, ContextLength: 7}}
	k.noteLoaded(Restart, "", nil)
	if got := k.loads.restore; len(got) != 1 || got[0].ContextLength != 7 || k.Focus() != mainOne {
		t.Errorf("what was to be loaded is so once: %+v; it looks at %s", got, k.Focus())
	}
	for i := range 2 * mostAtOnce {
		loaded(evidence.LoadedModel{Name: strconv.Itoa(i)})(k)
	}
	if k.noteLoaded(Restart, "", nil); len(k.loads.restore) != mostAtOnce {
		t.Errorf("of many there are %d", len(k.loads.restore))
	}
	k = serving(open(undecided), func(k *Keeper) { k.remedy.left = k.seen.Server.Loaded })
	if k.noteLoaded(Restart, "", nil); k.probes.open[0].superseded || len(k.remedy.left) > 0 {
		t.Errorf("the main model is turned to, or stays through a restart: %v", k.remedy.left)
	}
}

func TestWhatStaysInMemory(t *testing.T) {
	for name, c := range map[string]struct {
		rung Rung
		want []string
	}{"through an unload": {Unload, []string{otherOne, "third:latest"}}, "while room is made": {MakeRoom, []string{mainOne, "third:latest"}}} {
		k := serving(aside, loaded(evidence.LoadedModel{Name: otherOne}, evidence.LoadedModel{Name: "third:latest"}))
		k.noteLoaded(c.rung, mainOne, []string{otherOne})
		if got := names(k.remedy.left); !slices.Equal(got, c.want) || len(k.loads.restore) > 0 || len(k.seen.Server.Loaded) != 3 || k.Focus() != otherOne {
			t.Errorf("%s: %v", name, got)
		}
	}
}
