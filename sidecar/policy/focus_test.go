package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const mainOne, otherOne = "main:latest", "other:latest"

// looking is a keeper that has no server, and whose probe looks at the main model, which
// has proved itself.
func looking() *Keeper {
	k := New(Settings{Model: "main", Main: mainOne, SuccessThreshold: 2})
	k.Begin(time.Now(), Inputs{})
	k.seen.Focused().Streak.Successes = 2
	return k
}

func TestALookAside(t *testing.T) {
	k, began := looking(), time.Now()
	open := &attempt{began: began}
	k.probes.open, k.probes.asked, k.probes.next = []*attempt{open}, began, began.Add(time.Hour)
	k.focusOn(otherOne)
	if !k.seen.FocusOnOther() || k.seen.Focused().Streak != (watch.Streak{}) {
		t.Errorf("it looks at %s: %+v", k.seen.Focus, k.seen.Focused().Streak)
	}
	if !open.superseded || len(k.probes.open) != 1 {
		t.Error("what asked the main model counts for the other one, or is waited for no more")
	}
	if !k.probes.next.IsZero() || !k.probes.asked.Equal(began) {
		t.Error("the other model is not asked at once, or when one was asked last is forgotten")
	}
	k.seen.Focused().Streak.Failures = 3
	k.focusOn(mainOne)
	if k.seen.FocusOnOther() || k.seen.Focused().Streak.Successes != 2 {
		t.Errorf("it looks at %s: %+v", k.seen.Focus, k.seen.Focused().Streak)
	}
}

// A rung that leaves the server running takes nothing back that other models proved.
func TestWhatARungTakesBack(t *testing.T) {
	for rung, c := range map[Rung]struct{ main, aside int }{
		Unload: {0, 2}, MakeRoom: {0, 2}, Restart: {0, 0}, Start: {0, 0},
	} {
		k := looking()
		k.changed(rung)
		if got := k.seen.Focused().Streak.Successes; got != c.main {
			t.Errorf("%s: %d successes are left of the model that is looked at", rung, got)
		}
		k = looking()
		k.focusOn(otherOne)
		k.seen.Focused().Streak.Failures, k.seen.Focused().Present = 3, true
		k.changed(rung)
		if left := k.seen.Focused(); left.Streak.Failures > 0 || left.Present {
			t.Errorf("%s: %+v is left of the other model", rung, left)
		}
		k.focusOn(mainOne)
		if got := k.seen.Focused().Streak.Successes; got != c.aside {
			t.Errorf("%s: %d successes are left of the main model", rung, got)
		}
	}
}

// The main model comes first: it is looked at as soon as it dies.
func TestADeathOfTheMainModelEndsALookAside(t *testing.T) {
	k, now := looking(), time.Now()
	k.focusOn(otherOne)
	k.died(evidence.Sign{Model: otherOne, At: now})
	if !k.seen.FocusOnOther() || len(k.seen.Focused().Crashes.Times()) != 1 {
		t.Errorf("it looks at %s: %+v", k.seen.Focus, k.seen.Focused().Crashes)
	}
	k.died(evidence.Sign{Model: mainOne, At: now})
	if k.seen.FocusOnOther() || len(k.seen.Focused().Crashes.Times()) != 1 {
		t.Errorf("it looks at %s: %+v", k.seen.Focus, k.seen.Focused().Crashes)
	}
}

// Every model's tokens are noted; only those of the one that is looked at are a probe's.
func TestAToken(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		model         string
		gone          time.Duration // since when the container is known not to run; 0 while it does
		noted, counts bool
	}{
		"of the model that is looked at": {mainOne, 0, true, true},
		"of another one":                 {otherOne, 0, true, false},
		"that the container said last":   {mainOne, time.Second, false, false},
	} {
		k := looking()
		if c.gone > 0 {
			k.seen.Role.Follow(now, now.Add(-c.gone), evidence.Container{Status: evidence.Exited})
		}
		k.sign(evidence.Sign{Kind: evidence.SignFirstChunk, Model: c.model, SentAt: now.Add(-time.Minute), At: now})
		of := k.seen.Models.Get(c.model)
		if noted := of.Token.Equal(now); noted != c.noted || !of.Present || !of.Answers {
			t.Errorf("%s: %+v", name, of)
		}
		if counts := k.seen.Focused().Streak.Successes == 3; counts != c.counts {
			t.Errorf("%s: %+v", name, k.seen.Focused().Streak)
		}
	}
}

// A model that dies again and again is kept out, wherever the probe looked meanwhile; the
// one that it looks at goes up the ladder instead.
func TestAModelThatDiesIsKeptOut(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		lookAt int // the death before which the probe turns to the other model; from 1 on
		back   int // the one before which it turns back
		want   bool
	}{
		"beside the main model":       {otherOne, 0, 0, true},
		"while it was looked at once": {otherOne, 2, 3, true},
		"while it is looked at":       {otherOne, 2, 0, false},
		"and is the main model":       {mainOne, 0, 0, false},
	} {
		k, t0 := looking(), time.Now()
		for death := 1; death <= verdict.CrashLimit; death++ {
			switch death {
			case c.lookAt:
				k.focusOn(otherOne)
			case c.back:
				k.focusOn(mainOne)
			}
			k.died(evidence.Sign{Model: c.model, At: t0.Add(time.Duration(death) * time.Minute)})
		}
		if kept := !k.seen.Models.Get(c.model).Quarantine.Until.IsZero(); kept != c.want {
			t.Errorf("%s: kept out: %v", name, kept)
		}
	}
}
