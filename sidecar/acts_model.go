package sidecar

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// sendProbe asks a model for a token, or for an embedding.
func (s *supervisor) sendProbe(order policy.SendProbe) {
	ctx, cancel := context.WithCancel(s.run)
	s.cancels.probes[order.ID] = cancel
	ledger, id := s.parts.processes.ledger, order.ID
	visit, asked := ledger.Begin(runners.Ask{Model: order.Target, Own: true, Guessed: order.Unlisted}, time.Now()), ledger.Mark()
	spec, run := s.readySpec(order), s.run
	spec.Learned = func(can ollama.Abilities) {
		s.post(run, order.Generation, func() watch.Observation {
			s.parts.abilities.learn(order.Target, can)
			return watch.Tick{}
		})
	}
	s.workers.Go(func() {
		defer cancel()
		result, rest := probe.Ready(ctx, s.parts.client, spec,
			func(seen probe.Sighting) { s.sawLoaded(run, order.Generation, seen.Loaded, asked) },
			func(waitsFor string) {
				s.saw(run, order.Generation, watch.ProbeOverdue{ID: id, WaitsFor: waitsFor, List: waitsFor == probe.WaitsForList})
			})
		loaded := result.Outcome == evidence.Success && visit.Served()
		if result.Late && visit.LoadExplains() {
			result.Late, result.Loaded = false, true
		}
		if result.Unloaded || result.Server {
			visit.Refused() // it was not asked
		}
		s.saw(run, order.Generation, watch.ProbeAnswered{ID: id, Result: result, Loaded: loaded})
		rest()
		visit.End(time.Now())
		s.post(run, order.Generation, func() watch.Observation {
			s.cancelProbe(id)
			return watch.ProbeEnded{ID: id}
		})
	})
}

func (s *supervisor) readySpec(order policy.SendProbe) probe.ReadySpec {
	model, path := order.Target, ""
	if model == ollama.NormalizeModel(s.config.Model) {
		model = s.config.Model
		if s.config.ReadyPath != config.Auto {
			path = s.config.ReadyPath // it is about this model alone
		}
	}
	return probe.ReadySpec{
		Spare: order.Spare, Varied: order.Varied, Unlisted: order.Unlisted,
		Path: path, Abilities: s.parts.abilities.of(order.Target),
		Prompt: s.config.ReadyPrompt, Pattern: s.config.ReadyPattern, Model: model,
		FirstChunk: s.config.FirstChunkTimeout, ListTimeout: s.config.APITimeout + s.config.FirstChunkTimeout,
		Options: s.parts.options.of, Runner: s.parts.catalogue.runnerOf(order.Target, model),
	}
}

// cancelProbe calls a probe off that may have ended.
func (s *supervisor) cancelProbe(id uint64) {
	if cancel, open := s.cancels.probes[id]; open {
		cancel()
		delete(s.cancels.probes, id)
	}
}

// load loads the model that the probe looks at.
func (s *supervisor) load(order policy.LoadTarget) {
	ctx, cancel := context.WithCancel(s.run)
	s.cancels.load = cancel
	run, options := s.run, s.parts.options.remembered(order.Model)
	done := s.parts.processes.ledger.Loading(order.Target)
	s.workers.Go(func() {
		defer cancel()
		var err error
		if order.Parameters {
			err = s.writeParameters(ctx)
		}
		if err == nil {
			err = s.parts.client.Load(ctx, order.Model, s.config.KeepAlive, options)
		}
		done(time.Now(), err == nil, time.Duration(s.config.KeepAlive))
		s.saw(run, order.Generation, watch.LoadEnded{Failure: failureOf(err)})
	})
}

// failureOf tells why a call to Ollama failed; nil where it did not.
func failureOf(err error) *watch.Failure {
	if err == nil {
		return nil
	}
	failure := &watch.Failure{Text: err.Error(), Load: ollama.ClassOf(err), CalledOff: errors.Is(err, context.Canceled)}
	var status *ollama.StatusError
	if errors.As(err, &status) {
		failure.Answer, failure.Kind = status.String(), status.Kind
	}
	return failure
}

// writeParameters puts OPTIONS into the model's own parameters, once a run.
func (s *supervisor) writeParameters(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, parametersDeadline)
	defer cancel()
	changed, err := s.parts.client.EnsureParameters(limited, s.config.Model, s.config.Options)
	if err != nil {
		return fmt.Errorf("cannot write CLAWGATE_OPTIONS into the parameters of %q: %w", s.config.Model, err)
	}
	if changed {
		s.kicks.models.kick()
		s.log.Info("wrote the options into the model's own parameters", "model", s.config.Model)
	}
	return nil
}

const parametersDeadline = 30 * time.Second

// pull fetches the main model.
func (s *supervisor) pull(order policy.PullMain) {
	run := s.run
	s.workers.Go(func() {
		err := s.parts.client.Pull(run, s.config.Model, func(p ollama.PullProgress) {
			s.saw(run, order.Generation, watch.PullMoved{Status: p.Status, Completed: p.Completed, Total: p.Total})
		})
		s.saw(run, order.Generation, watch.PullEnded{Err: textOf(err)})
	})
}

// restore loads a model that was in memory before a restart.
func (s *supervisor) restore(order policy.Restore) {
	run, model := s.run, order.Model
	options := withContext(s.parts.options.remembered(model.Name), model.ContextLength)
	done := s.parts.processes.ledger.Loading(model.Name)
	s.workers.Go(func() {
		err := s.parts.client.Load(run, model.Name, nil, options)
		done(time.Now(), err == nil, 0) // as long as the server's own setting says
		s.saw(run, order.Generation, watch.RestoreEnded{Model: model.Name, Err: textOf(err)})
	})
}

// checkRefusal loads a model, to see whether Ollama is as busy as it says.
func (s *supervisor) checkRefusal(order policy.CheckRefusal) {
	ctx, cancel := context.WithCancel(s.run)
	s.cancels.check = cancel
	name, keepAlive := order.Model, any(nil) // another model stays as long as Ollama keeps it for a client
	if name == ollama.NormalizeModel(s.config.Model) {
		name, keepAlive = s.config.Model, s.config.KeepAlive
	}
	run, options := s.run, s.parts.options.remembered(order.Model)
	done := s.parts.processes.ledger.Loading(order.Model)
	s.workers.Go(func() {
		defer cancel()
		err := s.parts.client.Load(ctx, name, keepAlive, options)
		done(time.Now(), err == nil, 0) // as long as the server's own setting says
		s.saw(run, order.Generation, watch.CheckEnded{Model: order.Model, Failure: failureOf(err)})
	})
}

// askVersion has the server say its version: any answer shows who answers.
func (s *supervisor) askVersion() {
	run := s.run
	s.workers.Go(func() {
		began := time.Now()
		limited, cancel := context.WithTimeout(run, s.config.APITimeout)
		defer cancel()
		_, err := s.parts.client.Version(limited)
		s.saw(run, 0, watch.VersionAnswered{Began: began, Ended: time.Now(), Answered: err == nil})
	})
}

// textOf is an error's text; empty for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
