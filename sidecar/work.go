package sidecar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// work is what Clawgate itself has Ollama do: load a model, pull one.
type work struct {
	loadSince  time.Time
	loadModel  string // normalised
	loadCancel context.CancelFunc
	loadCause  string
	notBefore  time.Time // of the next load, after one that failed

	pullAgain  time.Time // no pull before; after one that changed nothing
	pullSince  time.Time
	pullStatus string
	pullDone   int64 // bytes
	pullTotal  int64

	parametersSet bool
	// restore are the models, other than the main one, that were loaded before a
	// restart, with their context lengths.
	restore []evidence.LoadedModel
	// restoring is set while one of them is being loaded.
	restoring bool
	lasting   lasting
	// lastLoad is how long the last load took, to say how long the next may take.
	lastLoad time.Duration
}

// forget drops what belongs to a run of the server that is over. What is to be
// restored belongs to the next.
func (w *work) forget() {
	if w.loadCancel != nil {
		w.loadCancel()
	}
	*w = work{restore: w.restore, lastLoad: w.lastLoad}
}

// load loads the target and probes it, unless something speaks against it.
func (s *supervisor) load(now time.Time) {
	switch policy.HoldLoad(s.machine, s.loadView(now)) {
	case "":
	case policy.Superseded:
		s.work.loadCancel()
		return
	default:
		return
	}
	if s.sparesLoad(now) || !s.paces.loads.AllowN(now, 1) {
		return
	}
	model, cause := s.config.Model, s.loadReason()
	if s.readiness.target != s.mainModel() {
		model = s.readiness.target
	}
	ctx, cancel := context.WithCancel(s.run)
	s.work.loadSince, s.work.loadCancel, s.work.loadCause = now, cancel, cause
	s.work.loadModel = s.readiness.target
	s.remedy.triedLoad = now
	s.log.Info("loading the model", "model", model, "cause", cause)
	options, setParameters := s.options.remembered(model), !s.work.parametersSet && model == s.config.Model
	done := s.view.ledger.Loading(s.readiness.target)
	s.spawn(func(_ context.Context, post func(func())) {
		defer cancel()
		var err error
		if setParameters {
			err = s.writeParameters(ctx)
		}
		if err == nil {
			err = s.client.Load(ctx, model, s.config.KeepAlive, options)
		}
		done(time.Now(), err == nil, time.Duration(s.config.KeepAlive))
		post(func() { s.loaded(time.Now(), model, err) })
	})
}

// targetLoads is since when Clawgate has been loading the model that the probe looks
// at; zero when it does not.
func (s *supervisor) targetLoads() time.Time {
	if s.work.loadModel != s.readiness.target {
		return time.Time{}
	}
	return s.work.loadSince
}

func (s *supervisor) loadReason() string {
	switch s.machine.State {
	case policy.Verifying:
		return "recovery"
	case policy.Ready:
		return "keep_alive"
	default:
		return "start"
	}
}

// loadView puts together what a load of the target depends on.
func (s *supervisor) loadView(now time.Time) policy.LoadView {
	target, traffic := s.readiness.target, s.relay.Traffic()
	of := s.models.get(target)
	return policy.LoadView{
		Now: now, Judgement: s.judgement,
		Loading: !s.targetLoads().IsZero(), LoadingOther: !s.work.loadSince.IsZero(), Pulling: !s.work.pullSince.IsZero(),
		NotBefore: s.work.notBefore, Listed: s.seen.api.Successes+s.seen.api.Failures > 0, InMemory: s.seen.loadedKnown && s.seen.isLoaded(target),
		Pinned: s.config.KeepAlive.Forever(), InDoubt: s.inDoubt(now),
		GPUDoubted: s.symptoms.doubtedAt, Wanted: of.wanted, Tried: s.remedy.triedLoad,
		Traffic: len(traffic.InFlight) > 0, LastTraffic: s.seen.lastTraffic,
		AnyLoaded: len(s.seen.loaded) > 0, OthersUsed: s.othersInUse(now, target), Fits: s.fitsBeside(target),
	}
}

// othersInUse says that another model has clients, or had some a while ago.
func (s *supervisor) othersInUse(now time.Time, target string) bool {
	if s.relay.Traffic().UsesBeside(target) {
		return true
	}
	others := slices.ContainsFunc(s.seen.loaded, func(m evidence.LoadedModel) bool { return m.Name != target })
	return others && now.Sub(s.seen.lastTraffic) < policy.OthersIdle
}

// fitsBeside says that the model is seen to find room without any other's leaving.
func (s *supervisor) fitsBeside(model string) bool {
	size := s.models.get(model).size
	return size > 0 && s.seen.gpu.FreeBytes() >= size
}

// writeParameters puts OPTIONS into the model's own parameters, once a run.
func (s *supervisor) writeParameters(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, parametersDeadline)
	defer cancel()
	changed, err := s.client.EnsureParameters(limited, s.config.Model, s.config.Options)
	if err != nil {
		return fmt.Errorf("cannot write CLAWGATE_OPTIONS into the parameters of %q: %w", s.config.Model, err)
	}
	if changed {
		s.log.Info("wrote the options into the model's own parameters", "model", s.config.Model)
	}
	return nil
}

const parametersDeadline = 30 * time.Second

func (s *supervisor) loaded(now time.Time, model string, err error) {
	took, cause := now.Sub(s.work.loadSince), s.work.loadCause
	s.work.loadSince, s.work.loadCancel = time.Time{}, nil
	if err != nil {
		s.loadFailed(now, model, err)
		return
	}
	s.work.parametersSet, s.work.lastLoad = true, took
	s.work.lasting.loaded(now, s.work.loadModel)
	s.log.Info("the model is loaded", "model", model, "took", took)
	s.report.modelLoaded(model, cause)
	if cause == "recovery" {
		s.remedy.timed("load the model", took)
	}
	s.seen.loadedKnown = false // the probe looks for itself
	of := s.models.of(s.work.loadModel)
	of.present, of.loadedAt = true, now // earlier crashes are mended, as far as is known
	of.reloaded()
	s.view.want(s.work.loadModel)
	if s.work.loadModel != s.readiness.target {
		return // the probe has turned from it
	}
	s.readiness.settle() // what probes found before was of another runner
	of.streak = verdict.Streak{}
	s.probeNow(now)
}

// exhaustedRetry is the pause between loads of a model that no remedy has mended.
const exhaustedRetry = time.Minute

// loadFailed waits before the next try. An answer with an error comes from a
// server that works: no restart mends a model that is too large or broken.
func (s *supervisor) loadFailed(now time.Time, model string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.log.Error("cannot load the model", "model", model, "err", err)
	if s.work.loadModel != s.readiness.target {
		return // the probe has turned from it
	}
	s.work.notBefore = now.Add(s.config.RecheckInterval)
	if s.machine.State == policy.Exhausted {
		s.work.notBefore = now.Add(exhaustedRetry)
	}
	var status *ollama.StatusError
	if errors.As(err, &status) {
		s.focus().streak.Doubt = "the model could not be loaded: " + status.Error()
		sign := evidence.Sign{Model: ollama.NormalizeModel(model), At: now, Detail: status.String()}
		switch status.Kind { // no client had a hand in it
		case evidence.SignRunnerDied:
			s.died(sign)
		case evidence.SignOutOfMemory:
			s.noRoom(sign)
		case evidence.SignOverloaded:
			s.symptoms.refused.Own = now
		}
	} else {
		s.focus().streak.Doubt = "the model could not be loaded: " + err.Error()
		s.kicks.tcp.kick()
		s.kicks.api.kick()
		s.kicks.inspect.kick()
	}
	s.handle(now, policy.Event{Kind: policy.LoadFailed})
}

// pull fetches the model that Ollama lacks.
func (s *supervisor) pull(now time.Time) {
	if s.machine.Passive || !s.config.Pull || !s.work.pullSince.IsZero() || now.Before(s.work.notBefore) || now.Before(s.work.pullAgain) {
		return
	}
	if !s.paces.pulls.AllowN(now, 1) {
		return
	}
	s.work.pullSince, s.work.pullStatus = now, "starting"
	s.log.Info("pulling the model", "model", s.config.Model)
	s.spawn(func(ctx context.Context, post func(func())) {
		err := s.client.Pull(ctx, s.config.Model, func(p ollama.PullProgress) {
			post(func() { s.pullMoved(p) })
		})
		post(func() { s.pulled(time.Now(), err) })
	})
}

// pullPause is the time between two pulls that both succeeded: a model that
// Ollama lists in another spelling than the wanted one is missing all the same.
const pullPause = 5 * time.Minute

func (s *supervisor) pullMoved(p ollama.PullProgress) {
	before := s.work.percent()
	s.work.pullStatus = p.Status
	if p.Total > 0 {
		s.work.pullDone, s.work.pullTotal = p.Completed, p.Total
		s.work.pullStatus = fmt.Sprintf("%s: %d %%", p.Status, s.work.percent())
	}
	if now := s.work.percent(); now/10 != before/10 {
		s.log.Info("pull progress", "model", s.config.Model, "status", p.Status, "percent", now)
	}
}

// percent is of the layer that is being fetched; a model's weights are one.
func (w *work) percent() int64 {
	if w.pullTotal <= 0 {
		return 0
	}
	return 100 * w.pullDone / w.pullTotal
}

func (s *supervisor) pulled(now time.Time, err error) {
	s.work.pullSince, s.work.pullStatus = time.Time{}, ""
	s.work.pullDone, s.work.pullTotal = 0, 0
	s.kicks.api.kick()
	if err != nil {
		s.log.Error("cannot pull the model", "err", err)
		s.work.notBefore = now.Add(s.config.RecheckInterval)
		s.handle(now, policy.Event{Kind: policy.LoadFailed})
		return
	}
	s.log.Info("the model is pulled", "model", s.config.Model)
	s.work.pullAgain = now.Add(pullPause)
	s.seen.api.Failures, s.seen.api.Last.Missing = 0, false
	s.probeNow(now)
}

// restore loads what else was in memory before a restart, one by one, once the
// main model is ready again.
func (s *supervisor) restore() {
	if s.machine.State != policy.Ready || s.machine.Passive || s.work.restoring || len(s.work.restore) == 0 || !s.work.loadSince.IsZero() || !s.paces.loads.Allow() {
		return
	}
	model := s.work.restore[0]
	s.work.restore = s.work.restore[1:]
	s.work.restoring = true
	options := withContext(s.options.remembered(model.Name), model.ContextLength)
	s.log.Info("loading a model that was loaded before", "model", model.Name)
	done := s.view.ledger.Loading(model.Name)
	s.spawn(func(ctx context.Context, post func(func())) {
		err := s.client.Load(ctx, model.Name, nil, options)
		done(time.Now(), err == nil, 0) // as long as the server's own setting says
		post(func() {
			s.work.restoring = false
			if err != nil {
				s.log.Warn("cannot load a model that was loaded before", "model", model.Name, "err", err)
				return
			}
			s.view.want(model.Name)
			s.report.modelLoaded(model.Name, "restore")
		})
	})
}
