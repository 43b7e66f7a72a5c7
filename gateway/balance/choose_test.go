package balance

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func two(first, second string) map[string]string {
	return map[string]string{"10.0.0.1:80": first, "10.0.0.2:80": second}
}

func TestTheLeastBusySidecarIsChosen(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		a, _ := w.begin("10.0.0.1:80", "m", true)
		for range 4 {
			if got := w.chosen("m"); got != "10.0.0.2:80" {
				t.Errorf("chose %s", got)
			}
		}
		b, _ := w.begin("10.0.0.2:80", "m", true)
		c, _ := w.begin("10.0.0.2:80", "m", true)
		if got := w.chosen("m"); got != "10.0.0.1:80" {
			t.Errorf("chose %s", got)
		}
		w.pool.End(b)
		w.pool.End(c)
		if got := w.chosen("m"); got != "10.0.0.2:80" {
			t.Errorf("after its requests ended: chose %s", got)
		}
		w.pool.End(a)
	})
}

func TestEquallyBusySidecarsTakeTurns(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		if a, b := w.chosen("m"), w.chosen("m"); a == b {
			t.Errorf("%s twice", a)
		}
	})
}

func TestARefusedConnectionPutsASidecarAsideUntilALookSucceeds(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		w.say("10.0.0.1:80", "")
		w.pool.Unreachable(w.sidecar("10.0.0.1:80"), "connection refused")
		for range 3 {
			if got := w.chosen("m"); got != "10.0.0.2:80" {
				t.Errorf("chose %s", got)
			}
		}
		w.pass(20 * time.Second)
		if w.pool.Choose("m", true, nil).Others {
			t.Error("it is back without a look that succeeded")
		}
		w.say("10.0.0.1:80", ready)
		w.pass(300 * time.Millisecond)
		if !w.pool.Choose("m", true, nil).Others {
			t.Error("it is not back though it is ready")
		}
	})
}

func TestAClosedGateCountsForItsModelUntilTheNextLook(t *testing.T) {
	inWorld(t, "http://relays", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
		w.pool.Closed(w.sidecar("10.0.0.1:80"), "m", "isolated", "frozen")
		if m, other := w.chosen("m"), w.chosen("other"); m != "" || other == "" {
			t.Errorf("m goes to %q, another model to %q", m, other)
		}
		w.pass(60 * time.Millisecond)
		if w.chosen("m") == "" {
			t.Error("the look that was due at once did not open it")
		}
	})
}

func TestWhatASidecarSaysOfItselfIsBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		says     string
		m, other bool
		holdMax  time.Duration
	}{
		"ready":            {ready, true, true, 120 * time.Second},
		"isolated":         {isolated, false, true, 120 * time.Second},
		"draining":         {draining, false, false, 120 * time.Second},
		"dead for good":    {dead, false, false, 0},
		"no JSON":          {"<html>a router</html>", false, false, 0},
		"no state":         {"{}", false, false, 0},
		"cannot be dialed": {"", false, false, unknownHoldMax},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "http://10.0.0.1", map[string]string{"10.0.0.1:80": c.says}, func(w *world) {
				if m, other := w.chosen("m") != "", w.chosen("other") != ""; m != c.m || other != c.other {
					t.Errorf("m %v, another %v", m, other)
				}
				if got := w.pool.Choose("m", true, nil).HoldMax; got != c.holdMax {
					t.Errorf("HoldMax %v", got)
				}
			})
		})
	}
}

func TestADrainingSidecarIsNotChosenButMayBeReached(t *testing.T) {
	inWorld(t, "http://10.0.0.1", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
		w.say("10.0.0.1:80", draining)
		w.pool.Drains(w.sidecar("10.0.0.1:80"))
		choice := w.pool.Choose("m", true, nil)
		if choice.Sidecar != nil || choice.Fallback == nil || !choice.Restarting {
			t.Errorf("%+v", choice)
		}
		if w.pool.Choose("", false, nil).Sidecar == nil {
			t.Error("a look at the models has nowhere to go")
		}
	})
}

func TestAWaiterIsToldOfEveryChange(t *testing.T) {
	inWorld(t, "http://10.0.0.1", map[string]string{"10.0.0.1:80": dead}, func(w *world) {
		changed := w.pool.Choose("m", true, nil).Changed
		w.say("10.0.0.1:80", ready)
		<-changed
		if w.chosen("m") == "" {
			t.Error("it was told of nothing")
		}
	})
}

func TestSidecarsAreLookedAtOnceASecondAndOftenerWhileNotReady(t *testing.T) {
	inWorld(t, "http://relays", two(ready, dead), func(w *world) {
		w.pass(10*time.Second + 100*time.Millisecond)
		w.mu.Lock()
		defer w.mu.Unlock()
		if r, d := w.looks["10.0.0.1:80"], w.looks["10.0.0.2:80"]; r != 11 || d != 41 {
			t.Errorf("%d looks at the one that is ready, %d at the other", r, d)
		}
	})
}

func TestNamesAreResolvedAgainAndAgain(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		addresses := func() (all []string) {
			for _, report := range w.pool.Report() {
				all = append(all, report.Address)
			}
			slices.Sort(all)
			return all
		}
		want := func(why string, want ...string) {
			t.Helper()
			w.pass(resolveInterval + 300*time.Millisecond)
			if got := addresses(); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", why, got, want)
			}
		}
		want("several addresses", "10.0.0.1:80", "10.0.0.2:80")
		w.name(nil, errors.New("the name server is away"))
		want("a resolver that fails", "10.0.0.1:80", "10.0.0.2:80")
		w.say("10.0.0.3:80", ready)
		w.name([]string{"10.0.0.2", "10.0.0.3"}, nil)
		want("one added, one removed", "10.0.0.2:80", "10.0.0.3:80")
		w.mu.Lock()
		looks := w.looks["10.0.0.1:80"]
		w.mu.Unlock()
		w.pass(5 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.looks["10.0.0.1:80"] != looks || w.looks["10.0.0.3:80"] < 5 {
			t.Errorf("looks %v, the removed one had %d", w.looks, looks)
		}
	})
}

func TestARefusedConnectionHasTheNameResolvedAtOnce(t *testing.T) {
	inWorld(t, "http://relays", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
		w.say("10.0.0.9:80", ready)
		w.name([]string{"10.0.0.9"}, nil)
		w.pool.Unreachable(w.sidecar("10.0.0.1:80"), "connection refused")
		synctest.Wait()
		if got := w.chosen("m"); got != "10.0.0.9:80" {
			t.Errorf("chose %q", got)
		}
	})
}
