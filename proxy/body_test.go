package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/crowd"
)

// endless is a client's body: as long as is read of it.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// fill reads a body in a room of its own. Some end early, as is seen in the body.
func fill(t *testing.T, sent io.Reader, announced int64) (body *Body, room *crowd.Room) {
	t.Helper()
	room = &crowd.Room{Bytes: 2 * announced}
	request := (&http.Request{Body: io.NopCloser(sent), ContentLength: announced}).WithContext(t.Context())
	guest, err := room.Enter(request, "somebody", func() {})
	if err != nil {
		t.Fatal(err)
	}
	body = &Body{Limit: func(time.Duration) {}, Guest: guest}
	_ = body.Fill(request, announced)
	return body, room
}

func TestABodyOfKnownLengthIsHeldOnceAndNotTwice(t *testing.T) {
	const length = 16<<20 + 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body, room := fill(t, endless{}, length)
	runtime.ReadMemStats(&after)
	// All pieces that it was moved through are as much again.
	if used := after.TotalAlloc - before.TotalAlloc; !body.Whole || len(body.Data) != length || cap(body.Data) != length || used > length*9/4 {
		t.Errorf("%d of %d bytes, %d allocated", len(body.Data), length, used)
	}
	if used := room.Used(); used != length {
		t.Errorf("%d bytes of memory used", used)
	}
	if body.Release(); room.Used() != 0 {
		t.Errorf("%d bytes still used", room.Used())
	}
}

func TestAnAnnouncedBodyTakesNoMemoryBeforeItComes(t *testing.T) {
	const length = 16 << 20
	for _, sent := range []int64{0, 1, prefixBytes, prefixBytes + 1, 1 << 20, length / 8, length / 4, length - 1} {
		for _, announced := range []int64{length, -1} {
			body := &Body{Limit: func(time.Duration) {}}
			_ = body.Fill(&http.Request{Body: io.NopCloser(io.LimitReader(endless{}, sent)), ContentLength: announced}, length)
			if used := int64(cap(body.Data)); used > max(2*sent, firstBytes) {
				t.Errorf("%d bytes were sent, and %d taken for them", sent, used)
			}
		}
	}
}

func TestTheBeginningOfABodyThatIsNotHeldTakesNoMemoryBeforeItComes(t *testing.T) {
	for _, sent := range []int64{0, 1, firstBytes + 1, prefixBytes - 1, prefixBytes, 1 << 20} {
		body := &Body{Limit: func(time.Duration) {}}
		request := &http.Request{Body: io.NopCloser(io.LimitReader(endless{}, sent)), ContentLength: 1 << 30}
		if err := body.Fill(request, 1<<20); err != nil || body.Whole || body.Data != nil {
			t.Errorf("%d bytes sent: %v, %d bytes held", sent, err, len(body.Data))
		}
		if err := body.Begin(request); err != nil || int64(len(body.Data)) != min(sent, prefixBytes) || int64(cap(body.Data)) > max(2*sent, firstBytes) {
			t.Errorf("%d bytes sent: %v, %d bytes held in %d", sent, err, len(body.Data), cap(body.Data))
		}
	}
}

func TestABodyWithoutALengthIsTooLongByOneByte(t *testing.T) {
	const most = 1 << 20
	for _, room := range []int64{0, 7 * most / 4, 100 * most} { // 0 for no limit
		for sent, want := range map[int64]struct{ whole, tooLong bool }{
			most - 1: {true, false}, most: {true, false}, most + 1: {false, true}, 2 * most: {false, true},
		} {
			text := bytes.Repeat([]byte("0123456789abcdef"), int(sent)/16+1)[:sent]
			request := (&http.Request{Body: io.NopCloser(bytes.NewReader(text)), ContentLength: -1}).WithContext(t.Context())
			body := &Body{Limit: func(time.Duration) {}}
			if room > 0 {
				guest, err := (&crowd.Room{Bytes: room}).Enter(request, "somebody", func() {})
				if err != nil {
					t.Fatal(err)
				}
				body.Guest = guest
			}
			if err := body.Fill(request, most); err != nil || body.Whole != want.whole || body.TooLong != want.tooLong {
				t.Errorf("%d bytes in a room of %d: whole %v, too long %v, %v", sent, room, body.Whole, body.TooLong, err)
			}
			if got, err := io.ReadAll(body.Reader()); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes in a room of %d: %d were read, %v", sent, room, len(got), err)
			}
		}
	}
}

func TestABodyThatNoRoomWouldHoldIsTooLong(t *testing.T) {
	for room, want := range map[int64]bool{4 << 20: true, 8 << 20: false} {
		space := &crowd.Room{Bytes: room}
		request := (&http.Request{Body: io.NopCloser(io.LimitReader(endless{}, 5<<20)), ContentLength: -1}).WithContext(t.Context())
		other, err := space.Enter(request, "another", func() {})
		if err != nil {
			t.Fatal(err)
		}
		other.Take(t.Context(), room/2, false)
		other.Settle()
		guest, err := space.Enter(request, "somebody", func() {})
		if err != nil {
			t.Fatal(err)
		}
		body := &Body{Limit: func(time.Duration) {}, Guest: guest}
		if err := body.Fill(request, 8<<20); err != nil || body.Whole || body.TooLong != want && room > 4<<20 {
			t.Errorf("room of %d: whole %v, too long %v, %v", room, body.Whole, body.TooLong, err)
		}
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
		held   int64
		whole  bool
		most   time.Duration
		rate   int64 // where it is not the usual one
	}{
		"nothing at all":            {trickle{rest: time.Hour}, length, false, BodyIdleTimeout, 0},
		"a byte a minute":           {trickle{piece: 1, rest: 59 * time.Second}, length, false, BodyIdleTimeout + time.Second, 0},
		"much, and then hardly any": {trickle{first: 1 << 20, piece: 1, rest: time.Second}, length, false, 125 * time.Second, 0},
		"much, and then nothing":    {trickle{first: 2 << 20, rest: time.Hour}, length, false, BodyIdleTimeout, 0},
		"slowly":                    {trickle{piece: LeastRate, rest: time.Second}, length, true, 270 * time.Second, 0},
		"over a slow uplink":        {trickle{piece: 8 << 10, rest: time.Second}, length, false, 125 * time.Second, 0},
		"slower, and allowed":       {trickle{piece: 8 << 10, rest: time.Second}, length, true, 520 * time.Second, 8 << 10},
		"any, as long as it moves":  {trickle{piece: 8 << 10, rest: 59 * time.Second}, length, true, 10 * time.Hour, -1},
		"any, and nothing":          {trickle{rest: time.Hour}, length, false, BodyIdleTimeout, -1},
		"not held, and nothing":     {trickle{rest: time.Hour}, 0, false, BodyIdleTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &Body{Limit: func(d time.Duration) { c.client.limit = d }, Rate: max(0, cmp.Or(c.rate, LeastRate))}
				start := time.Now()
				request := &http.Request{Body: io.NopCloser(&c.client), ContentLength: length}
				err := body.Fill(request, c.held)
				if err == nil && !body.Whole {
					err = body.Begin(request)
				}
				if took := time.Since(start); took > c.most || body.Whole != c.whole || !c.whole && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%d bytes and %v after %v", len(body.Data), err, took)
				}
			})
		})
	}
}
