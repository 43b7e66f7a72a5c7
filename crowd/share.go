package crowd

import (
	"context"
	"slices"
	"time"
)

// need is what a request asks for: its place, or memory for its body.
type need struct {
	guest *Guest
	place bool
	bytes int64
	most  int64 // that all may have together, for this one to get some
}

// obtain has others leave for as long as that helps, and waits until they have.
func (r *Room) obtain(ctx context.Context, n need) bool {
	var late <-chan time.Time
	for {
		freed, granted := r.try(n)
		if freed == nil {
			return granted
		}
		if late == nil {
			timer := time.NewTimer(leaveTime)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-freed:
			granted = true
		case <-late:
		case <-ctx.Done():
		}
		r.mu.Lock()
		r.awaited--
		r.mu.Unlock()
		if !granted {
			return false
		}
	}
}

// try decides at once, or gives the channel to wait for.
func (r *Room) try(n need) (freed <-chan struct{}, granted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fits(n, 0, 0) {
		r.grant(n)
		return nil, true
	}
	for !r.fits(n, r.leaving.guests, r.leaving.bytes) {
		victim := r.victim(n, time.Now().UnixNano())
		if victim == nil {
			return nil, false
		}
		r.tell(victim)
	}
	if r.freed == nil {
		r.freed = make(chan struct{})
	}
	r.awaited++
	return r.freed, false
}

// fits says that there is room, when so much of what is taken does not count.
func (r *Room) fits(n need, guests int, bytes int64) bool {
	if n.place {
		return r.Requests <= 0 || r.guests-guests < r.Requests
	}
	return r.bytes-bytes+n.bytes <= n.most
}

func (r *Room) grant(n need) {
	g := n.guest
	if n.place {
		if r.owners == nil {
			r.owners = map[string]*owner{}
		}
		if r.owners[g.name] == nil {
			r.owners[g.name] = &owner{}
		}
		r.owners[g.name].guests = append(r.owners[g.name].guests, g)
		r.guests++
		return
	}
	r.give(g, -n.bytes)
}

// victim is who has to leave for what is needed, or nil.
func (r *Room) victim(n need, now int64) *Guest {
	var late, newest *Guest
	most := n.size(r.owners[n.guest.name]) + n.wanted()
	for _, o := range r.owners {
		if g := n.late(o, now); g != nil && (late == nil || g.due.Load() < late.due.Load()) {
			late = g
		}
		if size := n.size(o); size > most {
			if g := n.newest(o); g != nil {
				newest, most = g, size
			}
		}
	}
	if late != nil {
		return late
	}
	return newest
}

// size is what an owner has of what is needed.
func (n need) size(o *owner) int64 {
	switch {
	case o == nil:
		return 0
	case n.place:
		return int64(len(o.guests))
	}
	return o.bytes
}

func (n need) wanted() int64 {
	if n.place {
		return 1
	}
	return n.bytes
}

// helps says that there is more room when g leaves.
func (n need) helps(g *Guest) bool { return g != n.guest && (n.place || g.bytes > 0) }

// newest is the owner's last request that has not been answered.
func (n need) newest(o *owner) *Guest {
	for _, g := range slices.Backward(o.guests) {
		if n.helps(g) && !g.settled {
			return g
		}
	}
	return nil
}

// late is the owner's request whose client is awaited longest, over its time.
func (n need) late(o *owner, now int64) (latest *Guest) {
	for _, g := range o.guests {
		due := g.due.Load()
		if due > 0 && due < now && n.helps(g) && (latest == nil || due < latest.due.Load()) {
			latest = g
		}
	}
	return latest
}

// tell has a request leave. It counts to nobody from then on.
func (r *Room) tell(g *Guest) {
	r.disown(g)
	g.told.Store(true)
	r.leaving.guests++
	r.leaving.bytes += g.bytes
	g.evict()
}

// disown takes a request, and what it has, off its owner's account.
func (r *Room) disown(g *Guest) {
	o := r.owners[g.name]
	at := slices.Index(o.guests, g)
	o.guests = slices.Delete(o.guests, at, at+1)
	o.bytes -= g.bytes
	if len(o.guests) == 0 {
		delete(r.owners, g.name)
	}
}

// give takes memory back.
func (r *Room) give(g *Guest, n int64) {
	if g.told.Load() {
		r.leaving.bytes -= n
	} else {
		r.owners[g.name].bytes -= n
	}
	g.bytes -= n
	r.bytes -= n
}

// remove is for a request that has ended.
func (r *Room) remove(g *Guest) {
	r.give(g, g.bytes)
	if g.told.Load() {
		r.leaving.guests--
	} else {
		r.disown(g)
	}
	r.guests--
}

// announce has those look again that wait.
func (r *Room) announce() {
	if r.awaited > 0 && r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}
