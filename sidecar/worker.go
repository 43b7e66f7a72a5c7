package sidecar

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// post hands what was seen to the loop. It gives up when the sidecar ends.
func (s *supervisor) post(ctx context.Context, generation uint64, observe func() watch.Observation) {
	select {
	case s.inbox <- message{generation, observe}:
	case <-ctx.Done():
	}
}

// saw is post for what is not noted anywhere else.
func (s *supervisor) saw(ctx context.Context, generation uint64, seen watch.Observation) {
	s.post(ctx, generation, func() watch.Observation { return seen })
}

// tell hands news to the loop, from outside of it and without waiting.
func (s *supervisor) tell(seen watch.Observation) {
	select {
	case s.inbox <- message{observe: func() watch.Observation { return seen }}:
	default: // the inbox is full of news; what this tells is seen again by a probe
	}
}

// sawSign is called by the relay's goroutines and must not block them.
func (s *supervisor) sawSign(sign evidence.Sign) { s.tell(watch.SignSeen{Sign: sign}) }

// ask has the loop answer a question of a worker's; the zero value when the sidecar ends
// before.
func ask[Answer any](ctx context.Context, s *supervisor, question func() Answer) (answer Answer) {
	answers := make(chan Answer, 1)
	s.post(ctx, 0, func() watch.Observation {
		answers <- question()
		return watch.Tick{}
	})
	select {
	case answer = <-answers:
	case <-ctx.Done():
	}
	return answer
}

// current asks the loop for the generation that a look belongs to, before it
// is taken: what began under an old server must not speak about the new one.
func (s *supervisor) current(ctx context.Context) uint64 { return ask(ctx, s, s.keeper.Generation) }

// wakes bound how often one of the periodic workers is woken before its time. A crash is
// a handful of news that come together: refused connections, a cut stream, the engine's
// event.
const (
	wakesAtOnce = 10
	wakesPause  = 2 * time.Second
)

// kick wakes a periodic worker before its time. Kicks that come together are one.
type kick chan struct{}

func (k kick) kick() {
	select {
	case k <- struct{}{}:
	default:
	}
}

// heed takes back a kick: what comes next answers it.
func (k kick) heed() {
	select {
	case <-k:
	default:
	}
}

// kicks are the periodic workers that can be woken.
type kicks struct{ tcp, api, models, inspect, hint kick }

func newKicks() kicks {
	return kicks{tcp: make(kick, 1), api: make(kick, 1), models: make(kick, 1), inspect: make(kick, 1), hint: make(kick, 1)}
}

// kick wakes those that are named.
func (k kicks) kick(who policy.Kick) {
	for _, worker := range []struct {
		wake kick
		its  bool
	}{{k.tcp, who.TCP}, {k.api, who.API}, {k.models, who.Models}, {k.inspect, who.Inspect}, {k.hint, who.Hint}} {
		if worker.its {
			worker.wake.kick()
		}
	}
}

// periodically calls look at once, then after each pause that it returns, or
// when it is kicked. Kicks beyond their allowance wait for their turn together.
func periodically(ctx context.Context, wake kick, look func() time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	allowed, listen, due := rate.NewLimiter(rate.Every(wakesPause), wakesAtOnce), wake, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-listen:
			if wait := allowed.Reserve().Delay(); wait > 0 {
				listen = nil
				timer.Reset(min(wait, time.Until(due)))
				continue
			}
		}
		wake.heed()
		pause := look()
		listen, due = wake, time.Now().Add(pause)
		timer.Reset(pause)
	}
}
