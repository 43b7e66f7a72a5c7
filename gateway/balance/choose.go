package balance

import "time"

// Choice is where a request may go now.
type Choice struct {
	// Sidecar serves it now; nil when none does.
	Sidecar *Sidecar
	// Others says that a further one would serve it, too.
	Others bool
	// Fallback can be reached and says itself why it does not serve; nil when
	// none can be reached.
	Fallback *Sidecar
	// Restarting says that all, or the one that would hold the request, are
	// likely to be back in seconds.
	Restarting bool
	// HoldMax is how long the sidecars let a request wait; 0 when only a person can help.
	HoldMax time.Duration
	// Changed is closed when another choice may be possible.
	Changed <-chan struct{}
}

// unknownHoldMax is what is assumed of sidecars that have not told theirs.
const unknownHoldMax = 120 * time.Second

// Choose picks the sidecar with the fewest requests among those that serve the
// model, leaving out those in not. A request that is no inference goes to a
// ready one, or else to any that can be reached.
func (p *Pool) Choose(model string, inference bool, not map[*Sidecar]bool) Choice {
	p.mu.Lock()
	defer p.mu.Unlock()
	choice := Choice{Changed: p.changed, Restarting: true}
	known := false
	for i := range p.sidecars {
		s := p.sidecars[(int(p.turn%uint64(len(p.sidecars)))+i)%len(p.sidecars)]
		standing := &s.standing
		known = known || standing.state != ""
		choice.Restarting = choice.Restarting && standing.restarting()
		if standing.mayHold {
			choice.HoldMax = max(choice.HoldMax, standing.holdMax)
		}
		if !standing.reached || avoided(s, not) {
			continue
		}
		if standing.takes(model) || !inference && standing.ready {
			choice.Others = choice.Others || choice.Sidecar != nil && !s.same(choice.Sidecar)
			choice.Sidecar = p.lessBusy(choice.Sidecar, s)
		}
		choice.Fallback = better(choice.Fallback, s)
	}
	p.turn++
	if choice.Sidecar != nil {
		choice.Sidecar.chosen = p.turn
	}
	if !known {
		choice.HoldMax = unknownHoldMax
	}
	if choice.Sidecar == nil && !inference {
		choice.Sidecar = choice.Fallback
	}
	return choice
}

// lessBusy takes, of two that are equally busy, the one whose turn was longer ago.
func (p *Pool) lessBusy(a, b *Sidecar) *Sidecar {
	if a == nil {
		return b
	}
	inFlightOfA, chosenOfA := p.busy(a)
	inFlightOfB, chosenOfB := p.busy(b)
	if inFlightOfB < inFlightOfA || inFlightOfB == inFlightOfA && chosenOfB < chosenOfA {
		return b
	}
	return a
}

// better prefers a sidecar that lets requests wait to one that only refuses.
func better(a, b *Sidecar) *Sidecar {
	if a == nil || !a.standing.mayHold && b.standing.mayHold {
		return b
	}
	return a
}
