package policy

import (
	"reflect"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestWhatIsLoaded(t *testing.T) {
	load := func(k *Keeper) LoadTarget { got, _ := did[LoadTarget](k.decides((*Keeper).load)); return got }
	main := LoadTarget{Generation: 1, Model: "main", Target: mainOne, Parameters: true}
	check(t, load, map[string]decided[LoadTarget]{
		"the main model, as it is called":     when(main, stands(Starting)),
		"with its parameters set before":      when(LoadTarget{Generation: 1, Model: "main", Target: mainOne}, stands(Starting), func(k *Keeper) { k.loads.parametersSet = true }),
		"another, without parameters":         when(LoadTarget{Generation: 1, Model: otherOne, Target: otherOne}, stands(Starting), aside),
		"nothing, while something speaks":     when(LoadTarget{}, stands(Starting), passive),
		"nothing, until another is let go":    when(LoadTarget{}, stands(Starting), beingLoaded(otherOne)),
		"nothing, where loads do not last":    when(LoadTarget{}, stands(Starting), fruitless(mainOne)),
		"nothing, after more than is a start": when(LoadTarget{}, stands(Starting), func(k *Keeper) { k.allowance.loads.AllowN(now, 6) }),
	})
}

func TestALoadIsNoted(t *testing.T) {
	for state, cause := range map[State]string{Starting: "start", Verifying: "recovery", Ready: "keep_alive"} {
		k := serving(stands(state), func(k *Keeper) { k.settings.KeepAlive = -1 }, notLoaded)
		if k.load(); k.loads.cause != cause || !k.loads.since.Equal(now) || !k.loads.tried.Equal(now) || k.loads.model != mainOne || k.loads.asked != "main" {
			t.Errorf("in %s: %+v", state, k.loads)
		}
	}
}

func TestALoadThatTheProbeHasTurnedFromIsCalledOff(t *testing.T) {
	for name, c := range map[string]struct {
		decision given
		given    given
		want     bool
	}{
		"by a load of another":           {(*Keeper).load, beingLoaded(otherOne), true},
		"not by one of its own":          {(*Keeper).load, beingLoaded(mainOne), false},
		"by the end of the run":          {(*Keeper).forgetLoads, beingLoaded(mainOne), true},
		"not if there was none that run": {(*Keeper).forgetLoads, pulls, false},
	} {
		k := serving(stands(Starting), c.given)
		if _, called := did[CallOffLoad](k.decides(c.decision)); called != c.want {
			t.Errorf("%s: %v", name, called)
		}
	}
}

func TestWhatOutlivesARunOfLoads(t *testing.T) {
	k := serving(beingLoaded(mainOne), pulls)
	k.loads.restore, k.loads.lastTook, k.loads.tried = []evidence.LoadedModel{{Name: otherOne}}, time.Minute, now
	want := loads{restore: k.loads.restore, lastTook: time.Minute, tried: now}
	if k.forgetLoads(); !reflect.DeepEqual(k.loads, want) || k.pull != (pull{}) {
		t.Errorf("%+v, %+v", k.loads, k.pull)
	}
}

func TestWhatALoadDependsOn(t *testing.T) {
	usual := LoadView{
		Now: now, Judgement: serving().judgement, Listed: true, InMemory: true, AnyLoaded: true,
	}
	for name, c := range map[string]struct {
		given  given
		change func(*LoadView)
	}{
		"nothing":                {func(*Keeper) {}, func(*LoadView) {}},
		"a load of it":           {beingLoaded(mainOne), func(v *LoadView) { v.Loading, v.LoadingOther = true, true }},
		"one of another":         {beingLoaded(otherOne), func(v *LoadView) { v.LoadingOther = true }},
		"a pull":                 {pulls, func(v *LoadView) { v.Pulling = true }},
		"a pause":                {func(k *Keeper) { k.loads.notBefore = now }, func(v *LoadView) { v.NotBefore = now }},
		"no list yet":            {func(k *Keeper) { k.seen.Server.API = watch.Streak{} }, func(v *LoadView) { v.Listed = false }},
		"a list that failed":     {func(k *Keeper) { k.seen.Server.API = failures(1, evidence.ProbeResult{}) }, func(*LoadView) {}},
		"it left memory":         {notLoaded, func(v *LoadView) { v.InMemory, v.AnyLoaded = false, false }},
		"an old list":            {func(k *Keeper) { k.seen.Server.LoadedKnown = false }, func(v *LoadView) { v.InMemory = false }},
		"it is to stay":          {func(k *Keeper) { k.settings.KeepAlive = -1 }, func(v *LoadView) { v.Pinned = true }},
		"it is not to stay":      {func(k *Keeper) { k.settings.KeepAlive = 0 }, func(*LoadView) {}},
		"a hint":                 {unclear(mainOne), func(v *LoadView) { v.Unclear = true }},
		"a GPU in question":      {func(k *Keeper) { k.seen.Devices.DoubtedAt = now }, func(v *LoadView) { v.GPUDoubted = now }},
		"a client at the gate":   {func(k *Keeper) { k.seen.Focused().Wanted = now }, func(v *LoadView) { v.Wanted = now }},
		"a load before":          {func(k *Keeper) { k.loads.tried = now }, func(v *LoadView) { v.Tried = now }},
		"a client":               {inFlight(asking(mainOne, 0)), func(v *LoadView) { v.Traffic = true }},
		"one of another model":   {inFlight(asking(otherOne, 0)), func(v *LoadView) { v.Traffic, v.OthersUsed = true, true }},
		"an earlier client":      {lastTraffic(time.Minute), func(v *LoadView) { v.LastTraffic = ago(time.Minute) }},
		"another model, at rest": {loaded(evidence.LoadedModel{Name: otherOne}), func(*LoadView) {}},
		"room for it":            {roomFor(mainOne), func(v *LoadView) { v.Fits = true }},
	} {
		want := usual
		c.change(&want)
		if got := serving(c.given).loadView(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, want)
		}
	}
}

// roomFor says of a model that it would find room on the GPU beside all that is there.
func roomFor(model string) given {
	return func(k *Keeper) {
		k.seen.Models.Of(model).Size = modelSize
		k.seen.Devices.View = viewOf(gpuWith())
	}
}

func TestAnotherModelIsInUse(t *testing.T) {
	beside := loaded(evidence.LoadedModel{Name: otherOne})
	check(t, (*Keeper).othersInUse, map[string]decided[bool]{
		"nobody asks":                          when(false, beside),
		"somebody does":                        when(true, inFlight(asking(otherOne, 0))),
		"for the main model":                   when(false, inFlight(asking(mainOne, 0))),
		"somebody did a moment ago":            when(true, beside, lastTraffic(OthersIdle-1)),
		"somebody did a while ago":             when(false, beside, lastTraffic(OthersIdle)),
		"that was for the only one":            when(false, lastTraffic(0)),
		"the main one, beside the one that is": when(true, aside, lastTraffic(0)),
	})
}

func TestALoadThatSucceeded(t *testing.T) {
	k := serving(stands(Verifying), beingLoaded(mainOne), open(undecided), func(k *Keeper) { k.loads.cause = "recovery" })
	acts := k.decides(func(k *Keeper) { k.ended(watch.LoadEnded{}) })
	told, _ := did[ModelLoaded](acts)
	if told != (ModelLoaded{mainOne, "recovery"}) || !k.loads.since.IsZero() || !k.loads.parametersSet || k.loads.lastTook != time.Minute || len(k.remedy.steps) != 1 {
		t.Errorf("%+v, %+v, %v", told, k.loads, k.remedy.steps)
	}
	if k.loads.lasting.model != mainOne || !k.loads.lasting.at.Equal(now) || k.seen.Server.LoadedKnown || !k.seen.Focused().Present || k.looks.wanted[0] != mainOne {
		t.Errorf("%+v, %+v", k.loads.lasting, k.seen.Focused())
	}
	if !k.probes.open[0].superseded || k.seen.Focused().Streak.Successes > 0 || !k.probes.next.Equal(now) {
		t.Errorf("what was found of the runner before counts: %+v", k.seen.Focused().Streak)
	}
}

func TestALoadOfAnotherModelSucceeded(t *testing.T) {
	k := serving(beingLoaded(otherOne), open(undecided))
	k.ended(watch.LoadEnded{})
	if k.probes.open[0].superseded || k.seen.Focused().Streak.Successes == 0 || k.probes.next.Equal(now) || len(k.remedy.steps) > 0 {
		t.Errorf("what is proven of the main model is taken back: %+v", k.seen.Focused().Streak)
	}
}

func TestALoadThatFailed(t *testing.T) {
	said := func(kind evidence.SignKind) watch.Failure {
		return watch.Failure{Text: "500", Answer: "an error", Kind: kind}
	}
	for name, c := range map[string]struct {
		failure  watch.Failure
		given    given
		rest     time.Duration // before the next one
		state    State
		asks     bool // whether the server is there at all
		deaths   int
		noRoom   int
		declined bool
	}{
		"for some reason":     {said(""), beingLoaded(mainOne), 5 * time.Second, Backoff, false, 0, 0, false},
		"and no answer came":  {watch.Failure{Text: "EOF"}, beingLoaded(mainOne), 5 * time.Second, Backoff, true, 0, 0, false},
		"for its runner died": {said(evidence.SignRunnerDied), beingLoaded(mainOne), 5 * time.Second, Backoff, false, 1, 0, false},
		"for want of memory":  {said(evidence.SignOutOfMemory), beingLoaded(mainOne), 5 * time.Second, Backoff, false, 0, 1, false},
		"for want of a place": {said(evidence.SignOverloaded), beingLoaded(mainOne), 5 * time.Second, Backoff, false, 0, 0, true},
		"of another model":    {said(evidence.SignRunnerDied), beingLoaded(otherOne), 0, Starting, false, 0, 0, false},
		"as Clawgate wished":  {watch.Failure{Text: "called off", CalledOff: true}, beingLoaded(mainOne), 0, Starting, false, 0, 0, false},
		"where nothing has helped so far": {said(""), func(k *Keeper) {
			beingLoaded(mainOne)(k)
			k.machine.State = Exhausted
		}, exhaustedRetry, Exhausted, false, 0, 0, false},
	} {
		k := serving(stands(Starting), c.given)
		acts := k.decides(func(k *Keeper) { k.ended(watch.LoadEnded{Failure: &c.failure}) })
		asked, of := false, k.seen.Focused()
		for _, a := range acts {
			asked = asked || a == Kick{TCP: true, API: true, Inspect: true}
		}
		if asked != c.asks || k.machine.State != c.state || c.rest > 0 != k.loads.notBefore.Equal(now.Add(c.rest)) {
			t.Errorf("%s: asks: %v, %s, the next one at %s", name, asked, k.machine.State, k.loads.notBefore)
		}
		if of.Crashes.Len() != c.deaths || of.NoRoom.Len() != c.noRoom || k.seen.Refused.Own.Equal(now) != c.declined || c.rest > 0 == (of.Streak.Inconclusive == "") {
			t.Errorf("%s: %+v", name, of)
		}
		if _, told := did[ModelLoaded](acts); told || !k.loads.since.IsZero() {
			t.Errorf("%s: it is loaded: %v, %+v", name, told, k.loads)
		}
	}
}

func TestWhatWasInMemoryIsRestored(t *testing.T) {
	before := func(k *Keeper) { k.loads.restore = []evidence.LoadedModel{{Name: otherOne}, {Name: "third:latest"}} }
	restores := func(k *Keeper) string {
		act, _ := did[Restore](k.decides((*Keeper).restore))
		if done := act.Model.Name != ""; done && (act.Generation != 1 || !k.loads.restoring || len(k.loads.restore) != 1) {
			t.Errorf("%+v, %+v", act, k.loads)
		}
		return act.Model.Name
	}
	check(t, restores, map[string]decided[string]{
		"one by one":                          when(otherOne, before),
		"if there was anything":               when(""),
		"not before the main model is ready":  when("", before, stands(Verifying)),
		"not while Clawgate only watches":     when("", before, passive),
		"not while the last one is under way": when("", before, func(k *Keeper) { k.loads.restoring = true }),
		"not beside a load":                   when("", before, beingLoaded(mainOne)),
		"not more often than is a start":      when("", before, func(k *Keeper) { k.allowance.loads.AllowN(now, 6) }),
	})
	for failure, want := range map[string]bool{"": true, "EOF": false} {
		k := serving(func(k *Keeper) { k.loads.restoring = true })
		told, found := did[ModelLoaded](k.decides(func(k *Keeper) { k.ended(watch.RestoreEnded{Model: otherOne, Err: failure}) }))
		if found != want || found && told != (ModelLoaded{otherOne, "restore"}) || k.loads.restoring || len(k.looks.wanted) == 1 != want {
			t.Errorf("after %q it is told: %+v", failure, told)
		}
	}
}
