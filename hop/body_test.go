package hop

import (
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a client's body: as long as is read of it.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func fill(t *testing.T, sent io.Reader, announced, budget int64) *Body {
	t.Helper()
	body := &Body{Limit: func(time.Duration) {}, Budget: &Budget{Limit: budget}}
	request := &http.Request{Body: io.NopCloser(sent), ContentLength: announced}
	_ = body.Fill(request, budget) // some end early, as is seen in the body
	return body
}

func TestABodyOfKnownLengthIsHeldOnceAndNotTwice(t *testing.T) {
	const length = 16<<20 + 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := fill(t, endless{}, length, length)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !body.Whole || len(body.Data) != length || cap(body.Data) != length || used > length*3/2 {
		t.Errorf("%d of %d bytes, %d allocated", len(body.Data), length, used)
	}
	if used := body.Budget.Used.Load(); used != length {
		t.Errorf("%d bytes of the budget used", used)
	}
	if body.Release(); body.Budget.Used.Load() != 0 {
		t.Errorf("%d bytes still used", body.Budget.Used.Load())
	}
}

func TestAnAnnouncedBodyTakesNoMemoryBeforeItComes(t *testing.T) {
	const length = 16 << 20
	for _, sent := range []int64{0, 1, prefixBytes, prefixBytes + 1, 1 << 20, length / 8, length / 4, length - 1} {
		body := fill(t, io.LimitReader(endless{}, sent), length, length)
		if used := body.Budget.Used.Load(); body.Whole || used > max(8*sent, prefixBytes) {
			t.Errorf("%d bytes were sent, and %d taken for them", sent, used)
		}
		body.Release()
	}
}

// trickle is a client that sends a piece and rests, again and again.
type trickle struct {
	first, piece int
	rest         time.Duration
	limit        time.Duration // on the next read
}

func (c *trickle) Read(p []byte) (int, error) {
	if c.first > 0 {
		n := min(c.first, len(p))
		c.first -= n
		return n, nil
	}
	if c.limit > 0 && c.limit < c.rest {
		time.Sleep(c.limit)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(c.rest)
	return min(c.piece, len(p)), nil
}

func TestABodyThatTricklesInIsNotWaitedForLong(t *testing.T) {
	const length = 4 << 20
	for name, c := range map[string]struct {
		client trickle
		budget int64
		whole  bool
		most   time.Duration
	}{
		"nothing at all":            {trickle{rest: time.Hour}, length, false, BodyIdleTimeout},
		"a byte a minute":           {trickle{piece: 1, rest: 59 * time.Second}, length, false, BodyIdleTimeout + time.Second},
		"much, and then hardly any": {trickle{first: 1 << 20, piece: 1, rest: time.Second}, length, false, 125 * time.Second},
		"much, and then nothing":    {trickle{first: 2 << 20, rest: time.Hour}, length, false, BodyIdleTimeout},
		"slowly":                    {trickle{piece: leastRate, rest: time.Second}, length, true, 256 * time.Second},
		"not held, and nothing":     {trickle{rest: time.Hour}, 0, false, BodyIdleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &Body{Limit: func(d time.Duration) { c.client.limit = d }, Budget: &Budget{Limit: length}}
				start := time.Now()
				err := body.Fill(&http.Request{Body: io.NopCloser(&c.client), ContentLength: length}, c.budget)
				if took := time.Since(start); took > c.most || body.Whole != c.whole || !c.whole && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%d bytes and %v after %v", len(body.Data), err, took)
				}
			})
		})
	}
}
