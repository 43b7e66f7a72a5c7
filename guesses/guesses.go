// Package guesses slows those down who guess at a secret, by their address.
//
// Whoever knows the secret is never slowed: it is compared first, and only the
// answer to a wrong one waits. So a guesser on the same address, behind the same
// proxy for example, keeps nobody out; and one who asks over many connections
// without waiting for the answers guesses as fast as connections are made. What
// keeps a secret is its length: see environment.CheckSecret.
package guesses

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/pause"
)

const (
	// interval is the time that one wrong guess costs.
	interval = 2 * time.Second
	// free is how many may be wrong before it costs any: a person's slips.
	free = 3
	// longest is how long an answer waits. What would wait longer is refused.
	longest = 30 * time.Second
	// most bounds the addresses that are remembered: some 400 kB. What finds no
	// room among them shares one place.
	most = 4096
	// mostWaiting bounds the answers that wait at a time, of all addresses, where
	// Brake does not say otherwise.
	mostWaiting = 256
)

// Brake slows the guesses at one secret. The zero value is ready for use, by any
// number of goroutines.
type Brake struct {
	// Waiting bounds the answers that wait at a time, of all addresses: each holds a
	// connection. 0 is for 256.
	Waiting int

	mu      sync.Mutex
	paid    map[netip.Prefix]time.Time // when an address has paid for its guesses
	shared  time.Time                  // the same, of those without a place
	swept   time.Time
	waiting int
}

// Wrong is called for every wrong guess, and returns when its answer may be sent.
// It is false, at once or when ctx ends, for a guess that is to be refused as too
// many.
func (b *Brake) Wrong(ctx context.Context, guesser netip.Addr) bool {
	wait, ok := b.admit(network(guesser), time.Now())
	if !ok || wait == 0 {
		return ok
	}
	defer b.leave()
	return pause.For(ctx, wait) == nil
}

// RetryAfter is when a guess that was refused as too many is answered again.
const RetryAfter = longest

// admit notes a wrong guess and says how long its answer waits. A guess that is
// refused costs nothing, or a flood would keep an address waiting for ever.
func (b *Brake) admit(guesser netip.Prefix, now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	paid, known := b.place(guesser, now)
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(interval)
	wait = max(0, paid.Sub(now)-free*interval)
	if wait > longest || wait > 0 && b.waiting >= cmp.Or(b.Waiting, mostWaiting) {
		return 0, false
	}
	if wait > 0 {
		b.waiting++
	}
	if known {
		b.paid[guesser] = paid
	} else {
		b.shared = paid
	}
	return wait, true
}

func (b *Brake) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
}

// place finds what is remembered of an address, or makes room for it. It is
// false when all room is taken by others that have guessed of late.
func (b *Brake) place(guesser netip.Prefix, now time.Time) (paid time.Time, own bool) {
	if paid, own = b.paid[guesser]; own {
		return paid, true
	}
	if len(b.paid) >= most && now.Sub(b.swept) >= interval {
		b.swept = now // not for every guess of a flood
		for other, paid := range b.paid {
			if !paid.After(now) {
				delete(b.paid, other)
			}
		}
	}
	if len(b.paid) >= most {
		return b.shared, false
	}
	if b.paid == nil {
		b.paid = map[netip.Prefix]time.Time{}
	}
	return now, true
}

// network is what one guesser has: an address or, with IPv6, the 64 bits' worth
// of them that a single host is given.
func network(guesser netip.Addr) netip.Prefix {
	guesser = guesser.Unmap().WithZone("")
	bits := guesser.BitLen()
	if guesser.Is6() {
		bits = 64
	}
	prefix, _ := guesser.Prefix(bits) // of no address, none: those share a place
	return prefix
}
