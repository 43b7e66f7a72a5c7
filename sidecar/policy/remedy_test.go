package policy

import (
	"testing"
	"time"
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
