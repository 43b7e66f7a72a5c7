package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// shows takes a sign of live traffic.
func shows(sign evidence.Sign) given {
	if sign.At.IsZero() {
		sign.At = now
	}
	return func(k *Keeper) { k.observe(watch.SignSeen{Sign: sign}) }
}

func TestASignOfAnEarlierRunIsNone(t *testing.T) {
	for at, want := range map[time.Time]bool{ago(time.Second): false, now: true} {
		k := serving(func(k *Keeper) { k.seen.Calibrated = now })
		if shows(evidence.Sign{Kind: evidence.SignFirstChunk, Model: mainOne, At: at})(k); k.seen.Server.LastTraffic.Equal(at) != want {
			t.Errorf("of %s: %v", at, !want)
		}
	}
}

func TestARequestWaitsLong(t *testing.T) {
	waits := func(model string) func(*Keeper) string {
		return looksAt(shows(evidence.Sign{Kind: evidence.SignWaitedLong, Model: model}))
	}
	check(t, waits(otherOne), map[string]decided[string]{
		"for another model":                    when(otherOne, otherWaits),
		"while nothing shows that":             when(mainOne),
		"before the main model is ready":       when(mainOne, otherWaits, stands(Verifying)),
		"during a remedy":                      when(mainOne, otherWaits, stands(Recovering)),
		"for another that is looked at anyhow": when(otherOne, otherWaits, aside),
	})
	check(t, waits(mainOne), map[string]decided[string]{
		"for the main model":              when(mainOne, aside),
		"for it, before it is ready":      when(mainOne, aside, stands(Isolated)),
		"for it, while another is mended": when(otherOne, aside, stands(Recovering)),
		"for it, which is looked at":      when(mainOne),
	})
	k := serving(open(undecided))
	if shows(evidence.Sign{Kind: evidence.SignWaitedLong, Model: mainOne})(k); k.probes.open[0].superseded {
		t.Error("the model that is looked at is looked at anew")
	}
}

func TestWhatASignHasLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		sign evidence.Sign
		want []string // models whose runners are
		kick Kick
	}{
		"a load":             {evidence.Sign{Kind: evidence.SignLoading, Model: otherOne}, []string{otherOne}, Kick{}},
		"a load of nobody's": {evidence.Sign{Kind: evidence.SignLoading}, nil, Kick{}},
		"a first chunk of a model that was loaded": {evidence.Sign{Kind: evidence.SignFirstChunk, Model: otherOne, Loaded: true}, []string{otherOne}, Kick{}},
		"any other first chunk":                    {evidence.Sign{Kind: evidence.SignFirstChunk, Model: otherOne}, nil, Kick{}},
		"no connection":                            {evidence.Sign{Kind: evidence.SignRefused}, nil, Kick{TCP: true, Inspect: true}},
	} {
		k := serving()
		kick, _ := did[Kick](k.decides(shows(c.sign)))
		if !slices.Equal(k.looks.wanted, c.want) || kick != c.kick {
			t.Errorf("%s: %v, %+v", name, k.looks.wanted, kick)
		}
	}
}

func TestAClientMeetsAGateThatIsShut(t *testing.T) {
	for model, want := range map[string]bool{mainOne: true, otherOne: false} {
		k := serving()
		if shows(evidence.Sign{Kind: evidence.SignWanted, Model: model})(k); k.seen.Models.Get(model).Wanted.Equal(now) != want {
			t.Errorf("for %s: noted: %v", model, !want)
		}
	}
}

func TestAnErrorAndARefusalAreTaken(t *testing.T) {
	for _, kind := range []evidence.SignKind{evidence.SignRunnerDied, evidence.SignOutOfMemory} {
		k := serving(shows(evidence.Sign{Kind: kind, Model: otherOne}))
		if pending := k.seen.Hints.Pending(); !slices.Equal(pending, []string{otherOne}) {
			t.Errorf("%s: %v", kind, pending)
		}
	}
	if k := serving(shows(evidence.Sign{Kind: evidence.SignOverloaded, Model: otherOne})); k.seen.Refused.Count != 1 {
		t.Errorf("%+v", k.seen.Refused)
	}
}

func TestWhatAFirstChunkProves(t *testing.T) {
	late := func(k *Keeper) {
		k.seen.Focused().Streak.Last.Late, k.seen.Focused().Streak.Last.Reason = true, "it came after 9s"
	}
	chunk := func(took time.Duration, loaded bool) evidence.Sign {
		return evidence.Sign{Kind: evidence.SignFirstChunk, Model: mainOne, Took: took, Loaded: loaded, SentAt: ago(took)}
	}
	for name, c := range map[string]struct {
		given                 []given
		sign                  evidence.Sign
		late, timely, wasLate bool // what the streak says, and what is noted of this load
	}{
		"in time":                             {nil, chunk(3*time.Second, false), false, true, false},
		"late, after a long prompt it may be": {nil, chunk(3*time.Second+1, false), false, false, false},
		"late again":                          {[]given{late}, chunk(time.Minute, false), true, false, true},
		"late again, after a load":            {[]given{late}, chunk(time.Minute, true), true, false, false},
		"in time again":                       {[]given{late}, chunk(time.Second, false), false, true, false},
	} {
		k := serving(append(c.given, notLoaded, func(k *Keeper) { k.seen.Server.API = failures(1, evidence.ProbeResult{}) })...)
		shows(c.sign)(k)
		of := k.seen.Focused()
		if of.Streak.Successes != 2 || of.Streak.Last.Late != c.late || (of.Streak.Last.Reason == "it came after 9s") != c.late || of.Timely != c.timely || of.LateSince.Equal(now) != c.wasLate {
			t.Errorf("%s: %+v", name, of)
		}
		if server := k.seen.Server; server.API.Failures > 0 || !server.IsLoaded(mainOne) || !of.Token.Equal(now) || !k.probes.next.Equal(now.Add(30*time.Second)) {
			t.Errorf("%s: %+v, the next probe at %s", name, server, k.probes.next)
		}
	}
}

func TestAFirstChunkShowsWhoAnswers(t *testing.T) {
	gone := func(k *Keeper) {
		container(evidence.Exited)(k)
		k.seen.Role.Follow(ago(10*time.Second), ago(10*time.Second), k.seen.Container.Seen)
	}
	inspects := func(sent time.Duration) func(*Keeper) bool {
		return func(k *Keeper) bool {
			kick, _ := did[Kick](k.decides(shows(evidence.Sign{Kind: evidence.SignFirstChunk, Model: mainOne, SentAt: ago(sent)})))
			return kick.Inspect
		}
	}
	check(t, inspects(time.Second), map[string]decided[bool]{"of a request since it is gone": when(true, gone), "not while it runs": when(false)})
	check(t, inspects(time.Minute), map[string]decided[bool]{"not of one before": when(false, gone)})
}

func TestADeathIsCounted(t *testing.T) {
	dies := func(model string, at time.Time) []Act {
		k := serving(func(k *Keeper) { k.seen.Models.Of(model).Present = true })
		acts := k.decides(func(k *Keeper) { k.died(evidence.Sign{Model: model, At: at}) })
		kick, _ := did[Kick](acts)
		if k.seen.Models.Get(model).Present || !kick.Inspect || k.seen.Server.LoadedKnown != (model != mainOne) {
			t.Errorf("%s: %+v, %+v", model, k.seen.Models.Get(model), kick)
		}
		return acts
	}
	_, main := did[ForgetRunners](dies(mainOne, now))
	if _, other := did[ForgetRunners](dies(otherOne, now)); !main || other {
		t.Errorf("what is kept of runners is dropped: %v, for another model: %v", main, other)
	}
	k := serving()
	for range 2 {
		k.died(evidence.Sign{Model: mainOne, At: now, Request: 7})
	}
	if k.died(evidence.Sign{Model: mainOne, At: now.Add(time.Minute), Request: 7}); k.seen.Focused().Crashes.Len() != 1 {
		t.Errorf("one request's are counted as %d", k.seen.Focused().Crashes.Len())
	}
	k = serving()
	for i := range 3 {
		k.died(evidence.Sign{Model: otherOne, At: ago(time.Duration(i) * -time.Minute)})
	}
	if of := k.seen.Models.Get(otherOne); of.Crashes.Len() > 0 || of.Quarantine.Until.IsZero() {
		t.Errorf("a model that is kept out begins anew after it: %+v", of)
	}
}

func TestOneDeathIsToldOnce(t *testing.T) {
	k := serving()
	k.died(evidence.Sign{Model: mainOne, At: ago(time.Second)})
	k.turn.acts = nil
	if act, again := did[ForgetRunners](k.decides(func(k *Keeper) { k.died(evidence.Sign{Model: mainOne, At: now}) })); again {
		t.Errorf("%+v", act)
	}
}

func TestADeathTurnsTheProbeToTheMainModelAlone(t *testing.T) {
	for name, c := range map[string]struct {
		given given
		model string
		turns bool
	}{
		"aside, of the main model": {aside, mainOne, true},
		"aside, of the other":      {aside, otherOne, false},
		"which it looks at":        {func(*Keeper) {}, mainOne, false},
	} {
		k := serving(c.given, open(undecided))
		if k.died(evidence.Sign{Model: c.model, At: now}); k.probes.open[0].superseded != c.turns {
			t.Errorf("%s: what asks counts no more: %v", name, !c.turns)
		}
	}
}

func TestATokenOfAClientsEndsAStopThatFailed(t *testing.T) {
	k := serving(failedStop(first, hour), givenUp(hour))
	shows(evidence.Sign{Kind: evidence.SignFirstChunk, Model: mainOne, SentAt: now})(k)
	if k.remedy.stop != (sentStop{}) {
		t.Errorf("%+v", k.remedy.stop)
	}
}

func TestAModelFoundNoRoom(t *testing.T) {
	for model, forgets := range map[string]bool{mainOne: true, otherOne: false} {
		k := serving(func(k *Keeper) { k.seen.Models.Of(model).Present = true })
		k.foundNoRoom(evidence.Sign{Model: model, At: now, Detail: "no room"})
		if of := k.seen.Models.Get(model); of.NoRoom.Len() != 1 || of.Present || k.seen.Server.LoadedKnown == forgets {
			t.Errorf("%s: %+v", model, of)
		}
	}
}

func TestAnEmptyAnswerIsLookedInto(t *testing.T) {
	said := func(model string, hollow bool) given {
		return shows(evidence.Sign{Kind: evidence.SignAnswered, Model: model, Answer: evidence.Answer{Hollow: hollow, Tokens: 1, Prompt: 9}})
	}
	turns := func(hollow bool) func(*Keeper) string { return looksAt(said(otherOne, hollow)) }
	check(t, turns(true), map[string]decided[string]{
		"of a model that gives many":     when(otherOne, hollowly(otherOne)),
		"not the first":                  when(mainOne),
		"not before the main is ready":   when(mainOne, hollowly(otherOne), stands(Verifying)),
		"not while another has its look": when("third:latest", hollowly(otherOne), func(k *Keeper) { k.focusOn("third:latest") }),
		"not as often as clients like":   when(mainOne, hollowly(otherOne), noTurns),
	})
	check(t, turns(false), map[string]decided[string]{
		"not one with a word in it": when(mainOne, hollowly(otherOne)),
	})
	k := serving(hollowly(mainOne))
	if said(mainOne, true)(k); !k.probes.next.Equal(now) {
		t.Errorf("the model that is looked at is asked at %s", k.probes.next)
	}
	k = serving()
	if said(mainOne, true)(k); k.probes.next.Equal(now) || k.seen.Focused().Hollow.Answers != 1 {
		t.Errorf("after one it is asked at %s", k.probes.next)
	}
}
