package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestTheBackoffGrowsToItsLimitWithAJitter(t *testing.T) {
	want := []int{5, 5, 5, 10, 20, 40, 80, 160, 300, 300, 300} // seconds, from -1 attempts on
	for i, seconds := range want {
		attempts, base := i-1, time.Duration(seconds)*time.Second
		if i == len(want)-1 {
			attempts = 1 << 40
		}
		different := map[time.Duration]bool{}
		for seed := range uint64(200) {
			pause := pauseAfter(attempts, seed)
			if pause < base || pause > base+base/10 {
				t.Fatalf("after %d attempts %s, want %s and up to a tenth more", attempts, pause, base)
			}
			if pause != pauseAfter(attempts, seed) {
				t.Fatal("the same seed gives another pause")
			}
			different[pause] = true
		}
		if len(different) < 100 {
			t.Errorf("after %d attempts only %d different pauses of 200", attempts, len(different))
		}
	}
}

// What went well has no error in the log, as another one's line would have it.
func TestTheErrorOfARemedyInTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		failure *watch.EngineError
		want    any
	}{
		"that did it":      {nil, nil},
		"that was in vain": {&watch.EngineError{Text: "no exit event"}, "no exit event"},
	} {
		k := looking()
		acts := k.Turn(time.Now(), Inputs{}, watch.RemedyEnded{Failure: c.failure})
		at := slices.IndexFunc(acts, func(act Act) bool { told, is := act.(Tell); return is && told.Text == "the remedy ended" })
		if at < 0 {
			t.Fatalf("%s: %+v", name, acts)
		}
		with := acts[at].(Tell).With
		if i := slices.Index(with, any("err")); i < 0 || with[i+1] != c.want {
			t.Errorf("%s: %v", name, with)
		}
	}
}

func TestAnAccountOfATroubleThatNeverEndsIsBounded(t *testing.T) {
	var r remedy
	for i := range 3 * mostSteps {
		r.took(watch.Step{Name: "stop", Took: time.Duration(i)})
	}
	if len(r.steps) != mostSteps || r.steps[mostSteps-1].Took != 3*mostSteps-1 {
		t.Errorf("%d steps, the last %+v", len(r.steps), r.steps[len(r.steps)-1])
	}
}
