package access

import (
	"container/heap"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxIdentities bounds the limiter's memory: about 2 MB.
const maxIdentities = 10_000

// Limiter lets each identity make so many requests a minute. Identities are
// the names of keys or, where there are none, AddressID of the client.
type Limiter struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*bucket
	byFull  fullness
}

// NewLimiter makes a Limiter of perMinute requests a minute; 0 is no limit. A
// sixth of them, ten seconds' worth, may come at once (at least one): enough for
// a page that asks several things, and no minute has more than seven sixths.
func NewLimiter(perMinute int) *Limiter {
	return &Limiter{
		limit:   rate.Limit(float64(perMinute) / time.Minute.Seconds()),
		burst:   max(1, perMinute/6),
		buckets: map[string]*bucket{},
	}
}

// Allow says whether id may make a request now and, if not, in what time it may.
func (l *Limiter) Allow(id string, now time.Time) (retryAfter time.Duration, ok bool) {
	if l.limit <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(id, now)
	ok = b.tokens.AllowN(now, 1)
	left := b.tokens.TokensAt(now)
	b.full = now.Add(l.refill(float64(l.burst) - left))
	heap.Fix(&l.byFull, b.index)
	if ok {
		return 0, true
	}
	return l.refill(1 - left), false
}

// refill is how long so many tokens take, in whole milliseconds upwards: the
// client that waits as long as it was told must not be refused again.
func (l *Limiter) refill(tokens float64) time.Duration {
	return time.Duration(math.Ceil(tokens/float64(l.limit)*1e3)) * time.Millisecond
}

func (l *Limiter) bucket(id string, now time.Time) *bucket {
	if b, known := l.buckets[id]; known {
		return b
	}
	if len(l.buckets) >= maxIdentities {
		delete(l.buckets, heap.Pop(&l.byFull).(*bucket).id)
	}
	b := &bucket{id: id, tokens: rate.NewLimiter(l.limit, l.burst), full: now}
	l.buckets[id] = b
	heap.Push(&l.byFull, b)
	return b
}

// bucket is what one identity has left, and when it will be full if left alone.
type bucket struct {
	id     string
	tokens *rate.Limiter
	full   time.Time
	index  int
}

// fullness is a heap of buckets, the first to be full on top. To drop a full one
// loses nothing; to drop the one that is next to full loses least, and who spent
// most is remembered longest.
type fullness []*bucket

func (f fullness) Len() int           { return len(f) }
func (f fullness) Less(i, j int) bool { return f[i].full.Before(f[j].full) }

func (f fullness) Swap(i, j int) {
	f[i], f[j] = f[j], f[i]
	f[i].index, f[j].index = i, j
}

// Push and Pop are container/heap's.
func (f *fullness) Push(x any) {
	b := x.(*bucket)
	b.index = len(*f)
	*f = append(*f, b)
}

func (f *fullness) Pop() any {
	last := len(*f) - 1
	b := (*f)[last]
	(*f)[last] = nil
	*f = (*f)[:last]
	return b
}
