package policy

import (
	"testing"
	"time"
)

func TestRestsGrowWithinABound(t *testing.T) {
	now := time.Now()
	l := lasting{}
	var before time.Duration
	for range 40 {
		l.loaded(now, "m")
		l.missed(now.Add(time.Second))
		rest := l.rest()
		if rest < before || rest > longestRest || rest < firstRest {
			t.Fatalf("after %d fruitless loads a rest of %s, after %s before", l.fruitless, rest, before)
		}
		before = rest
	}
	if before != longestRest {
		t.Errorf("the rests grow to %s, want %s", before, longestRest)
	}
}

func TestLoadThatLastedIsNoReasonToWait(t *testing.T) {
	now := time.Now()
	l := lasting{}
	l.loaded(now, "m")
	l.missed(now.Add(time.Second))
	l.loaded(now, "m")
	l.missed(now.Add(lasts))
	if l.fruitless != 0 || !l.next.IsZero() {
		t.Errorf("%+v, want nothing fruitless", l)
	}
}
