package relay

// newestOfMost is who gives way in a full queue to a newcomer: the newest request
// of the key that has most waiting. It is nil when that is the newcomer's own key,
// for the newcomer is its newest then. Requests that are kept to be sent again have
// had their turn: they neither count nor give way.
func (a *admission) newestOfMost(newcomer string) *flight {
	waiting := map[string]int{}
	for f := range a.everyoneWaiting {
		waiting[f.key]++
	}
	most, many := "", waiting[newcomer]+1
	for key, n := range waiting {
		if n > many {
			most, many = key, n
		}
	}
	if many == waiting[newcomer]+1 {
		return nil
	}
	var newest *flight
	for f := range a.everyoneWaiting {
		if f.key == most && (newest == nil || !f.since.Before(newest.since)) {
			newest = f
		}
	}
	return newest
}

// everyoneWaiting goes through all lanes.
func (a *admission) everyoneWaiting(yield func(*flight) bool) {
	for _, l := range a.lanes {
		for _, f := range l.all() {
			if !f.kept && !yield(f) {
				return
			}
		}
	}
}

// expel refuses a waiting attempt to make room for another in the lane entered.
func (a *admission) expel(f *flight, entered *lane) {
	l := a.laneOf(f)
	f.refusal = a.refuseFull(l)
	l.remove(f)
	a.waiting--
	close(f.wake)
	if l != entered {
		a.forget(l)
	}
}
