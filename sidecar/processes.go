package sidecar

import (
	"context"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// processes compares the container's processes with how they were before: the second
// view on what errors hint at. Only the ledger is for other goroutines than the loop.
type processes struct {
	view   recovery.View
	ledger *runners.Ledger
	last   runners.Look
}

func (p *processes) mark() runners.Mark { return p.ledger.Mark() }

// outdated says that the last look tells nothing any more.
func (p *processes) outdated(now time.Time) bool {
	return !p.last.At.IsZero() && p.ledger.Outdated(p.last, now)
}

// forget drops what speaks of a run of the server that is over.
func (p *processes) forget(now time.Time) {
	p.ledger.Forget(now)
	p.last = runners.Look{}
}

// take takes a look, for a worker.
func (p *processes) take(ctx context.Context) (runners.Look, error) {
	look := runners.Look{At: time.Now(), Mark: p.ledger.Mark()}
	var err error
	look.Processes, err = p.view.Processes(ctx)
	return look, err
}

// compare says what a look shows beside the one before, of each model whose weights are
// known.
func (p *processes) compare(now time.Time, look runners.Look, weights map[string]string) map[string]watch.Finding {
	unchanged := runners.Unchanged(p.last, look, weights)
	found := map[string]watch.Finding{}
	for model, path := range weights {
		explained := p.ledger.Explains(model, p.last, now, unchanged)
		found[model] = watch.Finding(runners.Compare(p.last, look, path, explained))
		if found[model] == watch.Unclear && len(look.Serving(path)) > 0 {
			found[model] = watch.Serves
		}
	}
	p.last = look
	p.ledger.Saw(look, weights)
	return found
}

// lookAtProcesses has a worker take a look.
func (s *supervisor) lookAtProcesses(order policy.LookAtProcesses) {
	ctx, p := s.run, s.parts.processes
	s.workers.Go(func() {
		limited, cancel := context.WithTimeout(ctx, engineDeadline)
		defer cancel()
		look, err := p.take(limited)
		weights := s.parts.options.weights(limited, order.Models)
		s.post(ctx, order.Generation, func() watch.Observation {
			if err != nil {
				p.ledger.Saw(runners.Look{}, weights)
				return watch.ProcessesSeen{At: look.At, Err: err.Error()}
			}
			return watch.ProcessesSeen{At: look.At, Models: p.compare(time.Now(), look, weights)}
		})
	})
}

// sawLoaded posts the list of loaded models, which was asked for at a mark.
func (s *supervisor) sawLoaded(ctx context.Context, generation uint64, loaded []evidence.LoadedModel, asked runners.Mark) {
	s.post(ctx, generation, func() watch.Observation {
		s.parts.processes.ledger.SawList(stays(s.parts.catalogue.is(), loaded), asked)
		return watch.LoadedListed{Loaded: loaded}
	})
}

// stays are how long models stay in memory if nobody uses them.
func stays(catalogue ollama.Catalogue, loaded []evidence.LoadedModel) []runners.Stay {
	list := make([]runners.Stay, 0, len(loaded))
	for _, m := range loaded {
		list = append(list, runners.Stay{Name: catalogue.Loaded(m).Title, For: m.ExpiresAt.Sub(m.SeenAt)})
	}
	return list
}
