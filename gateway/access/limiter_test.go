package access

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestSoManyRequestsAMinute(t *testing.T) {
	for _, c := range []struct{ perMinute, atOnce, inTheFirstMinute int }{
		{1, 1, 2}, {5, 1, 6}, {6, 1, 7}, {60, 10, 70}, {600, 100, 700},
	} {
		limiter := NewLimiter(c.perMinute)
		atOnce, inAMinute := 0, 0
		for _, ok := limiter.Allow("a", start); ok; _, ok = limiter.Allow("a", start) {
			atOnce++
		}
		inAMinute = atOnce
		for passed := time.Duration(0); passed <= time.Minute; passed += 10 * time.Millisecond {
			if _, ok := limiter.Allow("a", start.Add(passed)); ok {
				inAMinute++
			}
		}
		if atOnce != c.atOnce || inAMinute != c.inTheFirstMinute {
			t.Errorf("%d a minute: %d at once, %d in the first minute", c.perMinute, atOnce, inAMinute)
		}
		if _, ok := limiter.Allow("b", start); !ok {
			t.Error("another identity shares the bucket")
		}
	}
}

func TestWhoWaitsAsLongAsToldIsLetIn(t *testing.T) {
	for perMinute := 1; perMinute < 2000; perMinute += 1 + perMinute/10 {
		limiter, now := NewLimiter(perMinute), start
		for range 1000 {
			wait, ok := limiter.Allow("a", now)
			if ok && wait != 0 || !ok && wait <= 0 {
				t.Fatalf("%d a minute: %v, %v", perMinute, ok, wait)
			}
			if ok {
				continue
			}
			if early, ok := limiter.Allow("a", now.Add(wait-2*time.Millisecond)); ok && wait > 2*time.Millisecond {
				t.Fatalf("%d a minute: told %v, let in before (%v)", perMinute, wait, early)
			}
			now = now.Add(wait)
			if again, ok := limiter.Allow("a", now); !ok {
				t.Fatalf("%d a minute: told %v, then %v", perMinute, wait, again)
			}
		}
	}
}

func TestZeroIsNoLimit(t *testing.T) {
	limiter := NewLimiter(0)
	for range 10_000 {
		if _, ok := limiter.Allow("a", start); !ok {
			t.Fatal("limited")
		}
	}
	if len(limiter.buckets) != 0 {
		t.Error("remembers")
	}
}

func TestAFullMemoryForgetsWhoIsIdle(t *testing.T) {
	limiter := NewLimiter(6)
	limiter.Allow("busy", start.Add(9*time.Second))
	for i := range maxIdentities - 1 {
		limiter.Allow(fmt.Sprint(i), start) // full again at 10 s
	}
	now := start.Add(11 * time.Second)
	for i := range maxIdentities - 1 {
		if _, ok := limiter.Allow(fmt.Sprint("new", i), now); !ok {
			t.Fatal("a new one is refused")
		}
	}
	if _, ok := limiter.Allow("busy", now); ok {
		t.Error("forgot who had spent, before those who had not")
	}
	for i := range 3 * maxIdentities {
		limiter.Allow(fmt.Sprint("flood", i), now)
	}
	if n, m := len(limiter.buckets), len(limiter.byFull); n != maxIdentities || m != n {
		t.Errorf("%d identities, %d in order", n, m)
	}
}

func TestTheLimitHoldsForManyAtATime(t *testing.T) {
	limiter := NewLimiter(600)
	var group sync.WaitGroup
	var mu sync.Mutex
	allowed := map[string]int{}
	for i := range 1000 {
		group.Go(func() {
			id := fmt.Sprint(i % 2)
			if _, ok := limiter.Allow(id, start); ok {
				mu.Lock()
				allowed[id]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if allowed["0"] != 100 || allowed["1"] != 100 {
		t.Errorf("%v", allowed)
	}
}

func TestAHugeLimitDoesNotOverflow(t *testing.T) {
	if _, ok := NewLimiter(math.MaxInt32).Allow("a", start); !ok {
		t.Error("refused")
	}
}
