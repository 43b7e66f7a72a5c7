package runners

import (
	"testing"
	"time"
)

// tuned is a variant of the main model: its weights are the same, and the runner that
// serves the one is replaced for the other.
const tuned = "tuned:latest"

// shared is a ledger of both, of which the main model was asked last; known says that
// a look and a list have shown that they share their weights.
func shared(known bool) (*Ledger, Look) {
	l, look := loaded()
	if !known {
		return l, look
	}
	both := map[string]string{main: weights[main], tuned: weights[main], other: weights[other]}
	l.Saw(Look{At: at(5), Mark: l.Mark(), Processes: look.Processes}, both)
	ask(l, Ask{Model: main}, 6)
	l.SawList([]Stay{{Name: main, For: time.Hour}, {Name: other, For: time.Hour}}, l.Mark())
	look = Look{At: at(8), Mark: l.Mark(), Processes: look.Processes}
	l.Saw(look, both)
	return l, look
}

func TestAVariantReplacesTheRunnerOfItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(l *Ledger)
		want bool
	}{
		"nothing":                        {func(*Ledger) {}, false},
		"a copy, by its title":           {func(l *Ledger) { ask(l, Ask{Model: main}, 11) }, false},
		"another model":                  {func(l *Ledger) { ask(l, Ask{Model: other}, 11) }, false},
		"the variant":                    {func(l *Ledger) { ask(l, Ask{Model: tuned}, 11) }, true},
		"the variant, which waits":       {func(l *Ledger) { l.Begin(Ask{Model: tuned}, at(11)) }, true},
		"the variant, in vain":           {func(l *Ledger) { l.Begin(Ask{Model: tuned}, at(11)).End(at(12)) }, true},
		"the variant, which is loaded":   {func(l *Ledger) { l.Loading(tuned)(at(12), true, -1) }, true},
		"the variant, which is unloaded": {func(l *Ledger) { l.Unloading(tuned, at(11))(at(11), true) }, true},
	} {
		for _, known := range []bool{false, true} {
			l, look := shared(known)
			c.act(l)
			if got := l.Explains(main, look, at(20), nil); got != c.want {
				t.Errorf("%s (their place is known: %v): explained %v, want %v", name, known, got, c.want)
			}
		}
	}
}

// Once the main model was asked again, its runner has no reason to end.
func TestTurnsOfTwoVariantsComeToRest(t *testing.T) {
	l, _ := shared(true)
	for i, name := range []string{tuned, tuned, main, main} {
		if got, want := ask(l, Ask{Model: name}, 11+float64(2*i)), i%2 == 0; got != want {
			t.Errorf("request %d, for %s: loaded %v, want %v", i, name, got, want)
		}
	}
	look := see(l, 20)
	ask(l, Ask{Model: main}, 21)
	if l.Explains(main, look, at(25), nil) {
		t.Error("a variant that was asked long ago explains an end for ever")
	}
}

func TestALoadOfOneHasThePlaceInMemory(t *testing.T) {
	l, _ := shared(true)
	l.Unloading(main, at(9))(at(9), true)
	l.Loading(tuned)(at(12), true, -1)
	ask(l, Ask{Model: tuned}, 13)
	look := see(l, 30)
	if ask(l, Ask{Model: tuned}, 31) || l.Explains(tuned, look, at(40), nil) || l.Explains(main, look, at(40), nil) {
		t.Error("the variant's runner, which is the place's, is not taken to be in memory")
	}
}

// The list has the title of the variant that is in memory, and what it says holds for
// the place.
func TestTheListSpeaksOfThePlace(t *testing.T) {
	l, look := shared(true)
	l.SawList([]Stay{{Name: tuned, For: 20 * time.Second}, {Name: other, For: time.Hour}}, l.Mark())
	if l.Explains(main, look, at(15), nil) {
		t.Error("its time is not over yet")
	}
	if !l.Explains(main, look, at(40), nil) {
		t.Error("its time was over")
	}
}

// A runner that follows the one of another variant begins with the usual keep-alive,
// whatever that one had.
func TestAVariantDoesNotInheritAKeepAlive(t *testing.T) {
	l, _ := shared(true)
	l.Loading(tuned)(at(9), true, -1)
	death := l.Begin(Ask{Model: tuned}, at(10))
	death.Doubted(at(11))
	death.End(at(11))
	l.SawList([]Stay{{Name: tuned, For: 2 * ever}}, l.Mark()) // Ollama has not seen it yet
	ask(l, Ask{Model: main}, 12)
	look := see(l, 30)
	if !l.Explains(main, look, at(340), nil) {
		t.Error("a runner that was started for it is taken to stay for ever")
	}
}
