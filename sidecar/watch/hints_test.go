package watch

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// hinted is a memory with a hint at trouble with the target, from so long ago.
func hinted(since ...time.Duration) *Hints {
	h := &Hints{}
	h.Forget()
	for _, d := range since {
		h.Note(hintAt(d), false)
	}
	return h
}

func hintAt(d time.Duration) evidence.Sign {
	return evidence.Sign{Kind: evidence.SignRunnerDied, Model: target, At: ago(d)}
}

// looked takes a look at the processes so long ago.
func (h *Hints) looked(d time.Duration, found Finding) *Hints {
	h.Compared(ago(d), map[string]Finding{target: found})
	return h
}

func TestALookDecidesAHint(t *testing.T) {
	for name, c := range map[string]struct {
		hints   *Hints
		began   time.Duration // the look, ago
		failed  bool
		finding Finding
		decided bool
	}{
		"a runner is gone":                      {hinted(2*second).looked(0, Ended), second, false, Ended, true},
		"it lives":                              {hinted(2*second).looked(0, Lives), second, false, Lives, true},
		"it serves, nobody knows since when":    {hinted(2*second).looked(0, Serves), second, false, Unclear, true},
		"nobody can tell":                       {hinted(2*second).looked(0, Unclear), second, false, Unclear, true},
		"it was gone just before the hint":      {hinted(0).looked(unclearFor-1, Ended).looked(0, Unclear), second, false, Ended, true},
		"it was gone for some other trouble":    {hinted(2*second).looked(unclearFor, Ended).looked(0, Unclear), second, false, Unclear, true},
		"it was gone, and lives again":          {hinted(2*second).looked(second, Ended).looked(0, Lives), second, false, Lives, true},
		"it was gone, and serves again":         {hinted(2*second).looked(second, Ended).looked(0, Serves), second, false, Unclear, true},
		"it lived at a look before":             {hinted(2*second).looked(second, Lives).looked(0, Unclear), second, false, Unclear, true},
		"the look failed":                       {hinted(2*second).looked(0, Ended), second, true, Unclear, true},
		"the hint is younger, and it lives":     {hinted(0).looked(0, Lives), second, false, Lives, false},
		"the hint is younger, and it is gone":   {hinted(0).looked(0, Ended), second, false, Ended, true},
		"the hint came just then, and it lives": {hinted(second).looked(0, Lives), second, false, Lives, true},
	} {
		hint, finding, decided := c.hints.Decide(target, now, ago(c.began), c.failed)
		if decided != c.decided || finding != c.finding || decided != (hint.Model == target) || decided == slices.Contains(c.hints.Pending(), target) {
			t.Errorf("%s: %s, decided: %v, pending: %v", name, finding, decided, c.hints.Pending())
		}
	}
}

func TestOneEndIsOneCrash(t *testing.T) {
	h := hinted(2*second).looked(0, Ended)
	h.Decide(target, now, ago(second), false)
	h.Note(hintAt(0), false)
	if _, finding, _ := h.Decide(target, now, now, false); finding != Unclear {
		t.Errorf("it is found to have %s twice", finding)
	}
}

func TestTheNewestHintWaitsForTheNextLook(t *testing.T) {
	for name, c := range map[string]struct {
		newest  time.Duration
		found   Finding
		pending bool
	}{
		"if it is younger than the look":         {0, Lives, true},
		"not if it is as old":                    {second, Lives, false},
		"not if a runner is gone: it is of that": {0, Ended, false},
	} {
		h := hinted(3*second, 2*second, c.newest).looked(0, c.found)
		hint, _, decided := h.Decide(target, now, ago(second), false)
		if !decided || !hint.At.Equal(ago(3*second)) || slices.Contains(h.Pending(), target) != c.pending {
			t.Errorf("%s: %+v, pending: %v", name, hint, h.Pending())
		}
		if left := h.pending[target]; c.pending && !left.oldest.At.Equal(ago(c.newest)) {
			t.Errorf("%s: %+v is left", name, left)
		}
	}
}

func TestHintsAreBounded(t *testing.T) {
	h := hinted()
	for i := range 2 * MostHints {
		h.Note(evidence.Sign{Model: strconv.Itoa(i), At: now}, false)
	}
	if len(h.Pending()) != MostHints || !slices.IsSorted(h.Pending()) {
		t.Errorf("%v", h.Pending())
	}
	h.Note(evidence.Sign{Model: "0", At: now.Add(second)}, false)
	if h.Note(hintAt(0), true); len(h.Pending()) != MostHints+1 || !h.pending["0"].newest.At.Equal(now.Add(second)) {
		t.Errorf("%v", h.Pending())
	}
}

func TestARequestIsBlamedOnce(t *testing.T) {
	h := hinted()
	for range 2 {
		if h.Counted(0) {
			t.Error("nobody's request is blamed")
		}
	}
	if h.Counted(7) || !h.Counted(7) {
		t.Error("it is not, or not from the first time on")
	}
	if h.Forget(); !h.Counted(7) {
		t.Error("a new run forgets it")
	}
	for i := range uint64(mostBlamed) {
		h.Counted(100 + i)
	}
	if len(h.blamed) != mostBlamed || h.Counted(7) || !h.Counted(100+mostBlamed-1) {
		t.Errorf("%d are remembered", len(h.blamed))
	}
}

func TestAModelIsInDoubt(t *testing.T) {
	left := func(d time.Duration) *Hints {
		h := hinted()
		h.Leave(hintAt(d), now, false)
		return h
	}
	for name, c := range map[string]struct {
		hints *Hints
		well  time.Duration // when it was last, ago
		want  bool
	}{
		"after a hint that nothing decided": {left(second), time.Hour, true},
		"not for ever":                      {left(unclearFor), time.Hour, false},
		"just not so long":                  {left(unclearFor - 1), time.Hour, true},
		"not after it was well":             {left(second), 0, false},
		"not if it was well just then":      {left(second), second, false},
		"not without a hint":                {hinted(), time.Hour, false},
		"not while a look is to decide":     {hinted(second), time.Hour, false},
	} {
		if got := c.hints.Unclear(target, now, ago(c.well)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (&Hints{}).Unclear("m", time.Time{}.Add(second), time.Time{}.Add(-second)) {
		t.Error("a model of which nothing is known is in doubt")
	}
}

func TestWhatNothingDecidedIsBounded(t *testing.T) {
	h := hinted()
	leave := func(model string, d time.Duration, always bool) bool {
		h.Leave(evidence.Sign{Model: model, At: ago(d)}, now, always)
		_, kept := h.unclear[model]
		return kept
	}
	for i := range MostHints {
		leave(strconv.Itoa(i), 0, false)
	}
	if leave("one more", 0, false) || !leave(target, 0, true) {
		t.Errorf("%d are kept", len(h.unclear))
	}
	h = hinted()
	for i := range MostHints {
		leave(strconv.Itoa(i), unclearFor, true)
	}
	if !leave("one more", 0, false) || len(h.unclear) != 1 {
		t.Errorf("what is over keeps others out: %d are kept", len(h.unclear))
	}
	h = hinted()
	if leave("a", unclearFor-1, true); !leave("b", 0, true) || len(h.unclear) != 2 {
		t.Errorf("what is not over is dropped: %d are kept", len(h.unclear))
	}
}
