package relay

import "slices"

// setModels takes what Ollama has now. What waits goes to the lanes of the models that
// its names stand for, in the order in which it came; what is with Ollama stays with
// its model, wherever that is.
func (a *admission) setModels(models *listed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.models = models
	moved := false
	for f := range a.flights {
		moved = a.move(f, models.now(f.subject.Load(), &f.peek)) || moved
	}
	var waiting []*flight
	for _, l := range a.lanes {
		waiting = append(waiting, l.all()...)
	}
	for _, f := range waiting {
		moved = a.move(f, models.subject(&f.peek)) || moved
	}
	if moved {
		a.arrange(waiting)
	}
}

// move says whether an attempt has to go to another lane, or place.
func (a *admission) move(f *flight, to *subject) bool {
	from := f.subject.Swap(to)
	if l := a.lanes[to.lane]; l != nil {
		l.model = to
	}
	return from.lane != to.lane || from.home != to.home
}

// arrange makes all lanes anew.
func (a *admission) arrange(waiting []*flight) {
	before := a.lanes
	a.lanes, a.places = map[string]*lane{}, map[home]*place{}
	for f := range a.flights {
		l := a.laneOf(f)
		a.board(l, f)
		if f.alone {
			l.place.alone++
		}
	}
	slices.SortFunc(waiting, inOrder)
	for _, f := range waiting {
		a.laneOf(f).add(f)
	}
	for name, l := range a.lanes {
		if was := before[name]; was != nil {
			l.typical, l.waived = was.typical, was.waived
		}
	}
	a.sort()
}
