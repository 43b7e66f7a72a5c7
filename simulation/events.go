package simulation

import (
	"context"

	"github.com/clawdbot/clawgate/evidence"
)

// subscriber is one open event stream.
type subscriber struct {
	queue []evidence.ContainerEvent // guarded by World.mu
	wake  chan struct{}             // holds one token while the queue is not empty
}

// Events reports what happens to the container until ctx ends, beginning with a
// Resync. When the engine goes away it reports EngineLost, and a Resync when it
// is back; what happened in between is lost.
func (w *World) Events(ctx context.Context, report func(evidence.ContainerEvent)) error {
	s := &subscriber{wake: make(chan struct{}, 1)}
	w.mu.Lock()
	w.subscribers[s] = true
	action := evidence.Resync
	if w.engineAway {
		action = evidence.EngineLost
	}
	s.push(evidence.ContainerEvent{At: w.now(), ID: w.container.id, Action: action})
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.subscribers, s)
		w.mu.Unlock()
	}()
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
		w.mu.Lock()
		events := s.queue
		s.queue = nil
		w.mu.Unlock()
		for _, event := range events {
			report(event)
		}
	}
}

func (s *subscriber) push(event evidence.ContainerEvent) {
	s.queue = append(s.queue, event)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// emit reports an event about the present container. w.mu is held.
func (w *World) emit(event evidence.ContainerEvent) {
	if w.engineAway || w.engine.deaf {
		return
	}
	w.broadcast(event)
}

func (w *World) broadcast(event evidence.ContainerEvent) {
	event.At, event.ID = w.now(), w.container.id
	for s := range w.subscribers {
		s.push(event)
	}
}

// EngineAway takes the engine away or brings it back. The container goes on
// meanwhile, as it does with live-restore.
func (w *World) EngineAway(away bool) {
	w.change(func() {
		if away == w.engineAway {
			return
		}
		w.engineAway = away
		if away {
			w.broadcast(evidence.ContainerEvent{Action: evidence.EngineLost})
		} else {
			w.broadcast(evidence.ContainerEvent{Action: evidence.Resync})
		}
		w.announce()
	})
}
