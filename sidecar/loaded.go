package sidecar

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
)

// lookAtLoaded reads the list of loaded models where no probe does: while live
// requests prove the model, nobody asks it for a token, and how much of it is on
// a GPU would not be seen.
func (s *supervisor) lookAtLoaded(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	if !s.ask(ctx, s.wantsLoaded) {
		return s.config.RecheckInterval
	}
	limited, cancel := context.WithTimeout(ctx, s.config.APITimeout)
	defer cancel()
	asked := s.view.ledger.Mark()
	if loaded, err := s.client.Running(limited); err == nil { // a server that does not answer is the probes' to see
		s.post(ctx, generation, func() { s.sawLoaded(loaded, asked) })
	}
	return s.config.RecheckInterval
}

// wantsLoaded says that the list is old, or older than a load, and that reading it disturbs nobody.
func (s *supervisor) wantsLoaded() bool {
	now := time.Now()
	return s.machine.State == policy.Ready && s.work.loadSince.IsZero() && s.seen.answered &&
		(s.view.unlisted || now.Sub(s.seen.loadedAt) >= s.config.ReadyInterval && now.Sub(s.seen.lastTraffic) < s.config.ReadyInterval) &&
		!s.mayLoad(s.relay.Traffic(), now)
}

// mayLoad says that a request may have Ollama loading a model now: it has no
// chunk yet, its model was not in memory, and something moves. So may a check of
// Clawgate's own.
func (s *supervisor) mayLoad(traffic evidence.Traffic, now time.Time) bool {
	if s.seen.pulse.StillFor(now) >= loadMoves {
		return false
	}
	if s.refusals.cancel != nil {
		return true
	}
	for _, r := range traffic.InFlight {
		if r.FirstChunkAt.IsZero() && now.Sub(r.SentAt) < s.config.LoadTimeout && !s.inMemory(r.Model) {
			return true
		}
	}
	return false
}

// loadMoves: a load uses the CPU, the disk or the network at least this often.
const loadMoves = 20 * time.Second

// listBlocks says that the list of loaded models would come only at the end of a
// load, so that waiting for it tells nothing.
func (s *supervisor) listBlocks(traffic evidence.Traffic, now time.Time) bool {
	return s.seen.release.PsBlocks() && s.mayLoad(traffic, now)
}

// ask has the loop answer a question of one of its workers.
func (s *supervisor) ask(ctx context.Context, question func() bool) bool {
	answer := make(chan bool, 1)
	s.post(ctx, 0, func() { answer <- question() })
	select {
	case yes := <-answer:
		return yes
	case <-ctx.Done():
		return false
	}
}
