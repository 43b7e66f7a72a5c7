package sidecar

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"github.com/clawdbot/clawgate/sidecar/config"
)

// allowance is how often Clawgate does a thing of its own accord, whatever the world
// answers: so many times at once, and once more after each pause.
//
// What is done is planned elsewhere, with pauses that fit it, and these bounds are not
// met as long as the world behaves. They are for the rest: every answer of Ollama's,
// every event of the engine's and every error that a client meets can be a reason to
// look or to act at once, and whoever makes the reasons must not set the pace.
// docs/decisions.md has them in one table.
type allowance struct {
	atOnce int
	pause  time.Duration
}

var (
	// wakes of one of the periodic workers before its time. A crash is a handful of
	// news that come together: refused connections, a cut stream, the engine's event.
	wakes = allowance{10, 2 * time.Second}
	// probes go out twice a second to a server that starts, which is as often as
	// anybody has reason to ask.
	probes = allowance{10, 500 * time.Millisecond}
	// loads of models: one for each restart or unload, and one for each model that
	// was in memory before. A real load takes seconds.
	loads = allowance{6, 10 * time.Second}
	// pulls of a model that Ollama lacks; each may move gigabytes.
	pulls = allowance{3, time.Minute}
	// remedies: an unload and a restart follow one another within seconds, and each
	// further pair after the backoff. The restarts have their budget beside this.
	remedies = allowance{6, 30 * time.Second}
	// turns of the probe to a model beside the main one, for which clients give
	// reasons.
	turns = allowance{6, 10 * time.Second}
)

func (a allowance) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(a.pause), a.atOnce) }

// mostAtOnce models are loaded again after a restart, or asked to make room. A
// server has a few in memory; a list that names thousands is no reason for as many
// calls.
const mostAtOnce = 16

// paces are what is left of the allowances. They outlive the runs of the server: a
// container that is started in a loop must not have each start count as the first.
type paces struct{ probes, loads, pulls, remedies, turns *rate.Limiter }

// newPaces heeds who has the model asked more often than is usual.
func newPaces(c config.Config) paces {
	asked := probes
	asked.pause = min(asked.pause, c.RecheckInterval, c.ReadyInterval)
	return paces{asked.limiter(), loads.limiter(), pulls.limiter(), remedies.limiter(), turns.limiter()}
}

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

// periodically calls look at once, then after each pause that it returns, or
// when it is kicked. Kicks beyond their allowance wait for their turn together.
func periodically(ctx context.Context, wake kick, look func() time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	allowed, listen, due := wakes.limiter(), wake, time.Now()
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
