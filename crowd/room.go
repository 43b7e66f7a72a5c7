package crowd

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrFull is why a request is refused, or leaves for another's sake.
	ErrFull = errors.New("too many requests, or too large ones, at once")
	// ErrFields is why a request is refused whose header has too many fields.
	ErrFields = errors.New("the request's header has more than 100 fields")
)

const (
	// SmallBody is the largest body that the reserve is for, in bytes.
	SmallBody = 64 << 10
	// leaveTime is how long others may take to leave. They need none.
	leaveTime = time.Second
)

// Room is for the requests in hand: so many at once, and so much memory for
// their bodies. Its zero value has room for any number of them, and for no body.
//
// Where a request, or more of its body, finds no room, one that has been waited
// for longer than a full room allows has to go, else the newest of whoever has
// most, if that is more than the one that asks would have.
type Room struct {
	Requests int // at once; 0 for any number
	// Bytes is for all bodies, and Reserve that part of it which only small
	// ones may take.
	Bytes, Reserve int64

	mu      sync.Mutex
	owners  map[string]*owner
	guests  int
	bytes   int64
	leaving struct { // of them: told to go, and not gone
		guests int
		bytes  int64
	}
	awaited int           // how many wait for freed
	freed   chan struct{} // closed when something has been given back
}

// owner is who the requests of one key, or of one address, are counted to. What
// has been told to go is not.
type owner struct {
	guests []*Guest // in the order in which they came
	bytes  int64
}

// Guest is a request that is in hand. Of a nil one everything may be asked, and
// nothing is counted. Its methods are for the goroutine that serves the request.
type Guest struct {
	room  *Room
	name  string
	evict func()
	conn  *conn        // nil without a crowd
	due   atomic.Int64 // in Unix nanoseconds: when a full room waits for the client no longer; 0 for not at all

	// Guarded by Room.mu.
	bytes   int64
	settled bool
	told    atomic.Bool // written under Room.mu
}

// Enter takes a request in, whose owner is a key's name or a client's Origin. It
// may wait a moment for another to leave. Evict is called, from another
// goroutine, when this one has to leave: it must not block, nor call the Room.
func (r *Room) Enter(request *http.Request, name string, evict func()) (*Guest, error) {
	if fields(request.Header) > maxFields {
		return nil, ErrFields
	}
	g := &Guest{room: r, name: name, evict: evict}
	if !r.obtain(request.Context(), need{guest: g, place: true}) {
		return nil, ErrFull
	}
	if c, ours := request.Context().Value(connKey{}).(*conn); ours {
		g.conn = c
		c.crowd.hold(c)
	}
	return g, nil
}

// Take takes memory for the body, in bytes, or is false. Of a small body, of
// which SmallBody is the whole, it may come from the reserve.
func (g *Guest) Take(ctx context.Context, n int64, small bool) bool {
	if g == nil {
		return true
	}
	if g.Told() {
		return false
	}
	return g.room.obtain(ctx, need{guest: g, bytes: n, most: g.most(small)})
}

// Fits says that a body could take so much memory if nobody else had any.
func (g *Guest) Fits(n int64, small bool) bool { return g == nil || n <= g.most(small) }

// most is what all may have together, for this one to get some.
func (g *Guest) most(small bool) int64 {
	if small {
		return g.room.Bytes
	}
	return g.room.Bytes - g.room.Reserve
}

// Give gives memory back.
func (g *Guest) Give(n int64) {
	if g == nil || n == 0 {
		return
	}
	r := g.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.give(g, n)
	r.announce()
}

// Leave ends the request. Evict is not called any more after it.
func (g *Guest) Leave() {
	if g == nil {
		return
	}
	if g.conn != nil {
		g.conn.crowd.release(g.conn)
	}
	r := g.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(g)
	r.announce()
}

// Told says that the request has to leave.
func (g *Guest) Told() bool { return g != nil && g.told.Load() }

// Settle is for a request whose answer has begun. It leaves for no other's sake
// any more, unless its client does not read.
func (g *Guest) Settle() {
	if g == nil {
		return
	}
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.settled = true
}

// Expect notes how long a full room waits for what the client has to do now: to
// send more, or to read; 0 when it has nothing to do.
func (g *Guest) Expect(within time.Duration) {
	if g == nil {
		return
	}
	due := int64(0)
	if within > 0 {
		due = time.Now().Add(within).UnixNano()
	}
	g.due.Store(due)
}

// Used is the memory that bodies hold now, in bytes.
func (r *Room) Used() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}
