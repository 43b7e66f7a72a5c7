package balance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/wire"
)

const (
	lookInterval = time.Second
	// soonInterval is for a sidecar that is not ready: somebody may be waiting.
	soonInterval = 250 * time.Millisecond
	// hurriedInterval keeps looks that requests ask for from becoming a load.
	hurriedInterval = 50 * time.Millisecond
	lookDeadline    = 2 * time.Second
	// maxLook is many times what a relay says of itself, which is bounded there.
	maxLook = 1 << 20
)

// looking asks one sidecar how it is, for as long as it is on the list or has
// requests, which would wait for it for ever if it were not seen to be gone.
func (p *Pool) looking(ctx context.Context, s *Sidecar) {
	for {
		ready := p.lookAt(ctx, s)
		if ctx.Err() != nil || p.done(s) {
			return
		}
		pause := soonInterval
		if ready {
			pause = lookInterval
		}
		if !rest(ctx, pause, s.look) {
			return
		}
	}
}

func (p *Pool) done(s *Sidecar) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.removed && s.inFlight == 0
}

// rest waits until the pause is over or somebody asks for a look.
func rest(ctx context.Context, pause time.Duration, asked <-chan struct{}) bool {
	least, most := time.NewTimer(min(pause, hurriedInterval)), time.NewTimer(pause)
	defer least.Stop()
	defer most.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-least.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-most.C:
	case <-asked:
	}
	return true
}

// keepAlive is for ever where it is not told.
func keepAlive(said wire.Ready) time.Duration {
	if said.KeepAliveMs == nil {
		return -1
	}
	return time.Duration(*said.KeepAliveMs) * time.Millisecond
}

// instance is empty for what is too long to be one.
func instance(said wire.Ready) string {
	if len(said.Instance) > longestInstance {
		return ""
	}
	return said.Instance
}

func (p *Pool) lookAt(ctx context.Context, s *Sidecar) (ready bool) {
	said, err := p.ask(ctx, s)
	if ctx.Err() != nil {
		return false
	}
	p.update(s, func(current *standing) {
		if err != nil {
			current.lose(err.Error())
			return
		}
		*current = standing{
			reached: true, ready: said.Ready, draining: said.Draining, mayHold: said.MayHold,
			holdMax: time.Duration(said.HoldMaxMs) * time.Millisecond, state: said.State, reason: said.Reason,
			instance: instance(said), model: said.Model, keepAlive: keepAlive(said), models: said.Models,
		}
	})
	return err == nil && said.Ready
}

func (p *Pool) ask(ctx context.Context, s *Sidecar) (said wire.Ready, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL.String()+"/-/ready", nil)
	if err != nil {
		return said, fmt.Errorf("cannot ask whether it is ready: %w", err)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return said, fmt.Errorf("cannot ask whether it is ready: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxLook))
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err == nil && said.State == "" {
		err = fmt.Errorf("status %d without a state", answer.StatusCode)
	}
	if err != nil && ctx.Err() == nil {
		// It is there, and what is with it may go on.
		return wire.Ready{State: "unreadable", Reason: "what it says of itself cannot be read; is this a Clawgate sidecar? " + err.Error()}, nil
	}
	return said, err
}
