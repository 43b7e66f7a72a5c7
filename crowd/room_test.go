package crowd

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// visitor is a request in a room, which leaves at once when it is told to.
type visitor struct {
	*Guest
	gone sync.Once
	told bool
}

func (v *visitor) leave() { v.gone.Do(v.Leave) }

// enter is nil when there is no room.
func enter(t *testing.T, r *Room, name string) *visitor {
	t.Helper()
	v := &visitor{}
	guest, err := r.Enter(request(t), name, func() {
		v.told = true
		go v.leave()
	})
	if err != nil {
		if !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		return nil
	}
	v.Guest = guest
	return v
}

func TestTheNewestOfWhoeverHasMostGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Requests: 4}
		var greedy []*visitor
		for range 4 {
			greedy = append(greedy, enter(t, r, "greedy"))
		}
		if enter(t, r, "greedy") != nil {
			t.Error("there was room for a fifth")
		}
		modest := enter(t, r, "modest")
		if modest == nil || !greedy[3].told || greedy[2].told {
			t.Errorf("the modest one: %v", modest)
		}
		second := enter(t, r, "modest")
		if second == nil || !greedy[2].told {
			t.Error("no second place for the modest one")
		}
		if enter(t, r, "modest") != nil {
			t.Error("both have two, and one of them a third")
		}
		if third := enter(t, r, "third"); third == nil || second.told == greedy[1].told {
			t.Errorf("the third: %v", third)
		}
	})
}

func TestWhoIsAnsweredStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Requests: 3}
		var greedy []*visitor
		for range 3 {
			v := enter(t, r, "greedy")
			v.Settle()
			greedy = append(greedy, v)
		}
		if enter(t, r, "modest") != nil {
			t.Error("an answer was cut")
		}
		greedy[1].Expect(5 * time.Second) // a client that does not read
		time.Sleep(6 * time.Second)
		if enter(t, r, "modest") == nil || !greedy[1].told {
			t.Error("a client that reads nothing was not cut")
		}
	})
}

func TestWhoHasBeenWaitedForTooLongGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Requests: 2}
		slow, other := enter(t, r, "a"), enter(t, r, "a")
		slow.Expect(5 * time.Second)
		if enter(t, r, "a") != nil {
			t.Error("there was room for a third")
		}
		time.Sleep(6 * time.Second)
		if enter(t, r, "a") == nil || !slow.told || other.told {
			t.Error("its own slow request was kept")
		}
	})
}

func TestLargeBodiesLeaveTheReserveToSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Bytes: 100, Reserve: 20}
		large, small := enter(t, r, "a"), enter(t, r, "a")
		if !large.Take(t.Context(), 80, false) || large.Take(t.Context(), 1, false) {
			t.Error("large ones may not take 80, or may take more")
		}
		if !small.Take(t.Context(), 20, true) || small.Take(t.Context(), 1, true) || r.Used() != 100 {
			t.Error("small ones may not take the reserve, or may take more")
		}
		if large.leave(); r.Used() != 20 {
			t.Errorf("%d left", r.Used())
		}
	})
}

func TestWhoHoldsMostMemoryGivesWayToWhoeverHasLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Bytes: 100}
		first, second, third := enter(t, r, "greedy"), enter(t, r, "greedy"), enter(t, r, "greedy")
		for _, v := range []*visitor{first, second} {
			if !v.Take(t.Context(), 50, false) {
				t.Fatal("no room")
			}
		}
		if third.Take(t.Context(), 10, false) {
			t.Error("its own took from it")
		}
		modest := enter(t, r, "modest")
		if !modest.Take(t.Context(), 45, false) || !second.told || first.told || third.told {
			t.Error("not the newest that holds any")
		}
		if modest.Take(t.Context(), 50, false) || first.told {
			t.Error("with more it would have most itself")
		}
	})
}

func TestWhoDoesNotGoIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Room{Requests: 2}
		for range 2 {
			if _, err := r.Enter(request(t), "greedy", func() {}); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if v := enter(t, r, "modest"); v != nil || time.Since(start) != leaveTime {
			t.Errorf("%v after %v", v, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Enter(request(t).WithContext(ctx), "modest", func() {}); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
	})
}

func TestAHeaderOfManyFieldsDoesNotEnter(t *testing.T) {
	asked := request(t)
	asked.Header = http.Header{"A": make([]string, maxFields+1)}
	if _, err := new(Room).Enter(asked, "a", func() {}); !errors.Is(err, ErrFields) {
		t.Error(err)
	}
}

func TestNobodyIsCountedWithoutARoom(t *testing.T) {
	var g *Guest
	g.Expect(time.Second)
	g.Settle()
	g.Give(1)
	g.Leave()
	if g.Told() || !g.Take(t.Context(), 1<<40, false) {
		t.Error("a room that is not there is full")
	}
}

// Whatever comes and goes, in whatever order: the limits hold, what is taken is
// given back, and whoever has nothing gets in unless all have been answered.
func TestARoomIsNeverOverfull(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			r := &Room{Requests: 8, Bytes: 1000, Reserve: 100}
			var in []*visitor
			for range 300 {
				switch v := pick(random, in); {
				case v == nil || random.IntN(3) == 0:
					if v := enter(t, r, string(rune('a'+random.IntN(5)*random.IntN(2)))); v != nil {
						in = append(in, v)
					}
				case random.IntN(4) == 0:
					v.leave()
				case random.IntN(6) == 0:
					v.Settle()
				case random.IntN(3) == 0:
					v.Expect(time.Duration(random.IntN(10)) * time.Second)
				default:
					v.Take(t.Context(), int64(random.IntN(400)), random.IntN(2) == 0)
				}
				time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
				r.check(t)
			}
			for _, v := range in {
				v.leave()
			}
			if r.check(t); r.bytes != 0 || r.guests != 0 || len(r.owners) != 0 || r.awaited != 0 {
				t.Errorf("left behind: %+v", r)
			}
		})
	}
}

func pick(random *rand.Rand, in []*visitor) *visitor {
	if len(in) == 0 {
		return nil
	}
	v := in[random.IntN(len(in))]
	if v.told || v.left() {
		return nil
	}
	return v
}

// left says that it has gone by itself.
func (v *visitor) left() bool {
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	o := v.room.owners[v.name]
	if o == nil {
		return true
	}
	for _, g := range o.guests {
		if g == v.Guest {
			return false
		}
	}
	return true
}

func (r *Room) check(t *testing.T) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	guests, bytes := r.leaving.guests, r.leaving.bytes
	for _, o := range r.owners {
		guests += len(o.guests)
		sum := int64(0)
		for _, g := range o.guests {
			sum += g.bytes
		}
		if sum != o.bytes {
			t.Errorf("an owner of %d bytes is counted %d", sum, o.bytes)
		}
		bytes += o.bytes
	}
	if guests != r.guests || bytes != r.bytes || r.guests > r.Requests || r.bytes > r.Bytes {
		t.Errorf("%d guests, %d counted; %d bytes, %d counted", guests, r.guests, bytes, r.bytes)
	}
}
