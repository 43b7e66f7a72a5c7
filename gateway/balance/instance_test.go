package balance

import (
	"strings"
	"testing"
	"time"
)

// by is what a relay says of itself, with the id of its process.
func by(instance, says string) string {
	return strings.Replace(says, "{", `{"instance":"`+instance+`",`, 1)
}

func three(a, b, c string) map[string]string {
	return map[string]string{"10.0.0.1:80": a, "10.0.0.2:80": b, "10.0.0.3:80": c}
}

func TestOneSidecarIsOneByWhateverAddress(t *testing.T) {
	inWorld(t, "http://relays", two(by("x", ready), by("x", ready)), func(w *world) {
		if choice := w.pool.Choose("m", true, nil); choice.Sidecar == nil || choice.Others {
			t.Errorf("another one would serve it: %+v", choice)
		}
		first := w.sidecar("10.0.0.1:80")
		if choice := w.pool.Choose("m", true, map[*Sidecar]bool{first: true}); choice.Sidecar != nil || choice.Fallback != nil {
			t.Errorf("its other address is tried where it has no room: %+v", choice)
		}
		if reports := w.pool.Report(); len(reports) != 1 || !reports[0].Up || len(reports[0].Also) != 1 {
			t.Errorf("%+v", reports)
		}
		w.pool.Closed(first, "m", "isolated", "frozen")
		if got := w.chosen("m"); got != "" {
			t.Errorf("its gate is closed, and open at %s", got)
		}
		w.pass(100 * time.Millisecond)
		w.pool.Drains(first)
		if got := w.chosen("m"); got != "" {
			t.Errorf("it drains, and not at %s", got)
		}
	})
}

func TestNoRequestMovesToTheSidecarThatItLeaves(t *testing.T) {
	inWorld(t, "http://relays", two(by("x", ready), by("x", ready)), func(w *world) {
		a, left := w.begin("10.0.0.1:80", "m", true)
		defer w.pool.End(a)
		w.say("10.0.0.1:80", by("x", isolated)) // seen at one address before the other
		w.pass(3 * time.Second)
		if cause := isTold(left); cause != nil {
			t.Error(cause)
		}
	})
}

func TestASidecarWithTwoAddressesGetsNoLargerShare(t *testing.T) {
	inWorld(t, "http://relays", three(by("x", ready), by("x", ready), by("y", ready)), func(w *world) {
		times := map[bool]int{}
		for range 30 {
			times[w.chosen("m") == "10.0.0.3:80"]++
		}
		if times[true] != 15 {
			t.Errorf("%d of 30 turns for one of two sidecars", times[true])
		}
		var attempts []*Attempt
		for range 10 {
			a, _ := w.begin(w.chosen("m"), "m", true)
			attempts = append(attempts, a)
		}
		other := w.sidecar("10.0.0.3:80")
		if other.inFlight != 5 {
			t.Errorf("%d of 10 requests", other.inFlight)
		}
		if !w.pool.Choose("m", true, nil).Others {
			t.Error("there are two sidecars")
		}
		for _, a := range attempts {
			w.pool.End(a)
		}
	})
}

func TestASidecarIsReachedByTheAddressThatWorks(t *testing.T) {
	inWorld(t, "http://relays", two(by("x", ready), by("x", ready)), func(w *world) {
		w.say("10.0.0.1:80", "")
		w.pool.Unreachable(w.sidecar("10.0.0.1:80"), "connection refused")
		for range 3 {
			if got := w.chosen("m"); got != "10.0.0.2:80" {
				t.Errorf("chose %q", got)
			}
		}
		if reports := w.pool.Report(); len(reports) != 1 || !reports[0].Up || reports[0].Address != "10.0.0.1:80" {
			t.Errorf("%+v", reports)
		}
	})
}

func TestWhoTellsNoIdCountsByItsAddress(t *testing.T) {
	for name, says := range map[string]string{"none": ready, "an empty one": by("", ready), "one that is too long": by(strings.Repeat("x", 129), ready)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "http://relays", two(says, says), func(w *world) {
				if !w.pool.Choose("m", true, nil).Others || len(w.pool.Report()) != 2 {
					t.Error("two count as one")
				}
			})
		})
	}
}

func TestASidecarThatWasStartedAgainIsAnother(t *testing.T) {
	inWorld(t, "http://relays", two(by("x", ready), by("x", ready)), func(w *world) {
		w.say("10.0.0.2:80", by("y", ready))
		w.pass(2 * time.Second)
		if !w.pool.Choose("m", true, nil).Others || len(w.pool.Report()) != 2 {
			t.Error("the look did not take its id")
		}
	})
}
