package policy

import (
	"time"

	"golang.org/x/time/rate"
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
	// probeAllowance: probes go out twice a second to a server that starts, which is as
	// often as anybody has reason to ask.
	probeAllowance = allowance{10, 500 * time.Millisecond}
	// loadAllowance is for loads of models: one for each restart or unload, and one for
	// each model that was in memory before. A real load takes seconds.
	loadAllowance = allowance{6, 10 * time.Second}
	// pullAllowance is for pulls of a model that Ollama lacks; each may move gigabytes.
	pullAllowance = allowance{3, time.Minute}
	// remedyAllowance: an unload and a restart follow one another within seconds, and each
	// further pair after the backoff. The restarts have their budget beside this.
	remedyAllowance = allowance{6, 30 * time.Second}
	// turnAllowance is for turns of the probe to a model beside the main one, for which
	// clients give reasons.
	turnAllowance = allowance{6, 10 * time.Second}
)

func (a allowance) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(a.pause), a.atOnce) }

// allowances are what is left of them. They outlive the runs of the server: a
// container that is started in a loop must not have each start count as the first.
type allowances struct{ probes, loads, pulls, remedies, turns *rate.Limiter }

// newAllowances heeds who has the model asked more often than is usual.
func newAllowances(s Settings) allowances {
	asked := probeAllowance
	asked.pause = min(asked.pause, s.RecheckInterval, s.ReadyInterval)
	return allowances{
		probes: asked.limiter(), loads: loadAllowance.limiter(), pulls: pullAllowance.limiter(),
		remedies: remedyAllowance.limiter(), turns: turnAllowance.limiter(),
	}
}
