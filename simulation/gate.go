package simulation

import (
	"context"
	"sync"
)

// gate is what a process passes before each thing that it does; a frozen
// process does not pass. Where it stands for something else that stops work, closed
// is that.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while the process is not frozen
}

func newGate() *gate {
	open := make(chan struct{})
	close(open)
	return &gate{open: open}
}

func (g *gate) set(frozen bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		if frozen {
			g.open = make(chan struct{})
		}
	default:
		if !frozen {
			close(g.open)
		}
	}
}

// closed says that the process does not pass now.
func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		return false
	default:
		return true
	}
}

// pass waits while the process is frozen; the error is that of ctx.
func (g *gate) pass(ctx context.Context) error {
	for ctx.Err() == nil {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		select {
		case <-open:
			return nil
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
