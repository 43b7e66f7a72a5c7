package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestARestartForOneModelWaitsForTheOthers(t *testing.T) {
	answered := func(model string, at time.Time) given {
		return func(k *Keeper) { k.seen.Models.Of(model).Gave(at) }
	}
	plan := func(target string, p Plan) given {
		return func(k *Keeper) { k.machine = Machine{State: Isolated, Target: target, Plan: p} }
	}
	restart := plan(mainOne, Plan{Rung: Restart})
	copies := func(k *Keeper) {
		k.seen.Learn(catalogueOf(t, `[{"title":"`+mainOne+`","place":"w1","names":["`+mainOne+`"],"digests":["1"]},{"title":"`+otherOne+`","place":"w1","names":["`+otherOne+`"],"digests":["2"]}]`))
	}
	remote := func(k *Keeper) {
		k.seen.Learn(catalogueOf(t, `[{"title":"`+otherOne+`","remote":true,"names":["`+otherOne+`"],"digests":["2"]}]`))
	}
	busy := func(k *Keeper) { k.seen.Server.Pulse = watched(time.Second) }
	for name, c := range map[string]struct {
		given []given
		want  bool
	}{
		"another gave a token":             {[]given{restart, busy, answered(otherOne, ago(59*time.Second))}, true},
		"that was a while ago":             {[]given{restart, busy, answered(otherOne, ago(time.Minute))}, false},
		"it was this one":                  {[]given{restart, busy, answered(mainOne, now)}, false},
		"it has the same runner":           {[]given{restart, busy, copies, answered(otherOne, now)}, false},
		"another machine runs it":          {[]given{restart, busy, remote, answered(otherOne, now)}, false},
		"it is about the server":           {[]given{plan("", Plan{Rung: Restart}), answered(otherOne, now)}, false},
		"a person wants it":                {[]given{plan(mainOne, Plan{Rung: Restart, ByPerson: true}), answered(otherOne, now)}, false},
		"it waits for a quiet moment":      {[]given{plan(mainOne, Plan{Rung: Restart, WhenQuiet: true}), answered(otherOne, now)}, false},
		"an unload":                        {[]given{plan(mainOne, Plan{Rung: Unload}), answered(otherOne, now)}, false},
		"nobody would notice":              {[]given{restart, answered(otherOne, ago(31*time.Second))}, false},
		"somebody would who bypasses it":   {[]given{restart, busy, answered(otherOne, ago(31*time.Second))}, true},
		"a token of the run before counts": {[]given{restart, answered(otherOne, now), func(k *Keeper) { k.seen.Models.Of(otherOne).RunEnded() }}, false},
	} {
		k := serving(c.given...)
		k.seen.Server.LastTraffic = ago(31 * time.Second)
		if got := k.restartWaits(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		k.remedy.drainFrom = ago(hour)
		k.finishDrain()
		if held := k.remedy.drainFrom.Equal(now); held != c.want {
			t.Errorf("%s: the drain begins anew: %v", name, held)
		}
	}
}

func TestAnotherModelsTroubleIsMendedWhileTheMainOneIsAwaited(t *testing.T) {
	found := func(need verdict.Need, model string) Event {
		return Event{Kind: Judged, Judgement: verdict.Judgement{Need: need, Model: model}, FocusOnOther: true, AboutMain: true, BudgetLeft: true}
	}
	for _, state := range []State{Starting, Loading, Backoff, Exhausted} {
		m := Machine{State: state, Target: mainOne, Tried: Attempt{Restart, mainOne}}
		for _, need := range []verdict.Need{verdict.Nothing, verdict.Patience, verdict.Load, verdict.Pull, verdict.Person, verdict.Wait} {
			if after, task := Step(m, found(need, otherOne)); after != m || task != Nothing {
				t.Errorf("%s, %s of another: %+v, %s", state, need, after, task)
			}
		}
		if after, _ := Step(m, found(verdict.Mend, "")); after != m {
			t.Errorf("%s: the server's trouble is looked at with the main model: %+v", state, after)
		}
		after, task := Step(m, found(verdict.Mend, otherOne))
		if after.State != Isolated || after.Target != otherOne || after.Plan.Rung != Unload || task != Drain {
			t.Errorf("%s: %+v, %s", state, after, task)
		}
		m.Target = otherOne // it stands for that one itself
		e := found(verdict.Nothing, "")
		e.AboutMain = false
		if after, _ := Step(m, e); after.State != Ready {
			t.Errorf("%s of another that answers: %+v", state, after)
		}
	}
}

func TestAMainModelThatCannotBeLoadedStaysClosed(t *testing.T) {
	missing := func(k *Keeper) {
		k.seen.Server.API = failures(1, evidence.ProbeResult{Missing: true})
	}
	damaged := func(k *Keeper) { k.seen.Models.Of(mainOne).CouldNotLoad(now, ollama.FileDamaged) }
	unknown := func(k *Keeper) { k.seen.Models.Of(mainOne).CouldNotLoad(now, "") }
	for name, c := range map[string]struct {
		given  []given
		reason string
	}{
		"missing":              {[]given{missing}, "no answer"},
		"damaged":              {[]given{damaged}, "the model could not be loaded: " + ollama.FileDamaged.String()},
		"nobody knows why":     {[]given{unknown}, "the model could not be loaded: Ollama does not tell why"},
		"it has answered":      {[]given{damaged, func(k *Keeper) { k.seen.Models.Of(mainOne).Gave(now) }}, ""},
		"it was loaded":        {[]given{damaged, func(k *Keeper) { k.seen.Models.Of(mainOne).LoadSucceeded(now) }}, ""},
		"in another run":       {[]given{damaged, func(k *Keeper) { k.seen.Models.Of(mainOne).RunEnded() }}, ""},
		"nothing speaks of it": {nil, ""},
	} {
		k := serving(c.given...)
		k.machine = Machine{State: Isolated, Target: otherOne, Plan: Plan{Rung: Unload}}
		gate := GateOf(k.machine, k.aroundGate(), now)
		if _, closed := gate.Models[otherOne]; !closed || gate.All != nil || gate.Models[mainOne].Reason != c.reason {
			t.Errorf("%s: %+v", name, gate)
		}
		k.machine = Machine{State: Backoff, Target: mainOne}
		k.gate = Gate{}
		if got := k.servesOthers(); got != (c.reason != "") {
			t.Errorf("%s: others are looked after: %v", name, got)
		}
		if k.gate.All = (&Closure{}); k.servesOthers() {
			t.Errorf("%s: nobody is served", name)
		}
	}
}

func TestNamesThatChange(t *testing.T) {
	of := func(title, digest string) string {
		return `{"title":"` + title + `","place":"w` + digest + `","names":["` + title + `"],"digests":["` + digest + `"]}`
	}
	before := catalogueOf(t, `[`+of(mainOne, "1")+`,`+of(otherOne, "2")+`]`)
	about := func(k *Keeper) {
		k.seen.Learn(before)
		k.machine = Machine{State: Exhausted, Target: otherOne, Tried: Attempt{Unload, otherOne}}
		k.loads.model, k.seen.Refused.Model, k.judgement.Model = otherOne, otherOne, otherOne
		k.loads.restore = []evidence.LoadedModel{{Name: otherOne}, {Name: "third:1"}}
		k.seen.LookAt(otherOne)
	}
	k := serving(about)
	k.modelsTold(watch.ModelsTold{Catalogue: catalogueOf(t, `[`+of(mainOne, "1")+`,`+of("new:1", "2")+`]`)})
	for what, got := range map[string]string{
		"focus": k.seen.Focus, "target": k.machine.Target, "tried": k.machine.Tried.Model, "load": k.loads.model,
		"refused": k.seen.Refused.Model, "judged": k.judgement.Model, "restored": k.loads.restore[0].Name,
	} {
		if got != "new:1" {
			t.Errorf("%s is called %q", what, got)
		}
	}
	if k.loads.restore[1].Name != "third:1" || k.seen.Main != mainOne {
		t.Error("others keep their names")
	}

	anew := watch.ModelsTold{Catalogue: catalogueOf(t, `[`+of(mainOne, "3")+`,`+of(otherOne, "2")+`]`)}
	for state, want := range map[State]State{Exhausted: Starting, Ready: Ready, Isolated: Isolated} {
		k = serving(func(k *Keeper) {
			k.seen.Learn(before)
			k.machine = Machine{State: state}
			k.loads.notBefore = now.Add(hour)
		})
		k.modelsTold(anew)
		if k.machine.State != want || k.judgement.Verdict != verdict.Unproven || !k.probes.next.Equal(now) || !k.loads.notBefore.IsZero() || k.seen.Focused().Streak.Successes > 0 {
			t.Errorf("made anew while %s: %+v, %+v", state, k.machine, k.judgement)
		}
	}
	k = serving(func(k *Keeper) {
		k.seen.Learn(before)
		k.machine = Machine{State: Backoff}
		k.remedy.backoff = now.Add(hour)
	})
	if k.modelsTold(anew); !k.remedy.backoff.Equal(now) {
		t.Errorf("a pause that was for another model lasts until %s", k.remedy.backoff)
	}

	k = serving(notLoaded)
	k.seen.Server.Keeps([]evidence.LoadedModel{{Name: "copy:1", Digest: "1"}}, true)
	k.modelsTold(watch.ModelsTold{Catalogue: before})
	if !k.probes.next.Equal(now) || !k.seen.Server.IsLoaded(mainOne) {
		t.Error("it was in memory by another name, and is asked at once")
	}
}

func TestWhatHasLostItsNamesIsInNobodysUse(t *testing.T) {
	for name, c := range map[string]struct {
		models string
		want   bool
	}{
		"it has its name": {`[{"title":"` + otherOne + `","names":["` + otherOne + `"],"digests":["2"]}]`, true},
		"it has none":     {`[{"title":"` + otherOne + `","digests":["2"]}]`, false},
	} {
		k := serving(func(k *Keeper) {
			k.seen.Learn(catalogueOf(t, c.models))
			k.seen.Server.Keeps([]evidence.LoadedModel{{Name: otherOne, Digest: "2"}}, true)
			k.seen.Server.LastTraffic = ago(time.Minute)
		})
		if v := k.loadView(); v.AnyLoaded != c.want || v.OthersUsed != c.want {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
