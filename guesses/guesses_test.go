package guesses

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("192.0.2.2")
)

func TestAFewSlipsCostNothingAndMoreCostTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var brake Brake
		began := time.Now()
		for range free {
			if !brake.Wrong(t.Context(), alice) || time.Since(began) != 0 {
				t.Fatal("a slip was held against its maker")
			}
		}
		for range 100 {
			if !brake.Wrong(t.Context(), alice) {
				t.Fatal("who waits for the answers is refused")
			}
		}
		if took := time.Since(began); took != 100*interval {
			t.Errorf("100 guesses in %v", took)
		}
		asked := time.Now()
		if !brake.Wrong(t.Context(), bob) || time.Since(asked) != 0 {
			t.Error("another address pays, too")
		}
		time.Sleep((free + 1) * interval)
		if asked = time.Now(); !brake.Wrong(t.Context(), alice) || time.Since(asked) != 0 {
			t.Error("it is never forgotten")
		}
	})
}

func TestManyGuessesAtOnceAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var brake Brake
		var group sync.WaitGroup
		var mu sync.Mutex
		answered, refused := 0, 0
		began := time.Now()
		for range 1000 {
			group.Go(func() {
				ok := brake.Wrong(t.Context(), alice)
				mu.Lock()
				defer mu.Unlock()
				if ok {
					answered++
				} else if refused++; time.Since(began) != 0 {
					t.Error("a refusal took time")
				}
			})
		}
		group.Wait()
		if want := free + int(longest/interval); answered != want || refused != 1000-want || time.Since(began) != longest {
			t.Errorf("%d answered, %d refused in %v", answered, refused, time.Since(began))
		}
		if brake.waiting != 0 {
			t.Errorf("%d still wait", brake.waiting)
		}
		if time.Sleep(interval); !brake.Wrong(t.Context(), alice) {
			t.Error("the refused ones were counted: the address is never answered again")
		}
	})
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var brake Brake
		for range free + 5 {
			_, _ = brake.admit(network(alice), time.Now())
		}
		waiting := brake.waiting
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if brake.Wrong(ctx, alice) || ctx.Err() == nil || brake.waiting != waiting {
			t.Errorf("%d wait, %d before", brake.waiting, waiting)
		}
	})
}

func TestMemoryAndWaitsAreBoundedWhateverAddressesGuess(t *testing.T) {
	var brake Brake
	ask := func(address string, now time.Time) (time.Duration, bool) {
		return brake.admit(network(netip.MustParseAddr(address)), now)
	}
	for i := range 5 * most {
		if _, ok := ask(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), start); i < most && !ok {
			t.Fatalf("the slip of address %d is refused", i)
		}
	}
	if len(brake.paid) != most {
		t.Errorf("%d addresses are remembered", len(brake.paid))
	}
	if _, ok := ask("198.51.100.1", start); ok {
		t.Error("one address more is not counted with the others that found no room")
	}
	for i := range most {
		for range 4 * free {
			_, _ = ask(fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255), start)
		}
	}
	if brake.waiting != mostWaiting {
		t.Errorf("%d answers wait", brake.waiting)
	}
	later := start.Add(time.Hour)
	if wait, ok := ask("198.51.100.1", later); wait != 0 || !ok || len(brake.paid) != 1 {
		t.Errorf("an hour later: %v, %v, %d addresses", wait, ok, len(brake.paid))
	}
}

func TestAHostWithManyAddressesIsOne(t *testing.T) {
	for _, pair := range [][2]string{
		{"2001:db8::1", "2001:db8::ffff:1"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"fe80::1%eth0", "fe80::2%eth1"},
	} {
		if a, b := network(netip.MustParseAddr(pair[0])), network(netip.MustParseAddr(pair[1])); a != b {
			t.Errorf("%s and %s are %v and %v", pair[0], pair[1], a, b)
		}
	}
	if network(alice) == network(bob) || network(netip.MustParseAddr("2001:db8::1")) == network(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("different hosts are one")
	}
	if network(netip.Addr{}).IsValid() {
		t.Error("no address is one")
	}
}
