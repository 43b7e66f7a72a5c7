package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// loads is what Clawgate itself has Ollama load.
type loads struct {
	since     time.Time // of the one under way; zero without one
	model     string    // normalised; stays after its end
	asked     string    // the same, as Ollama was asked for it
	cause     string
	notBefore time.Time // of the next load, or pull, after one that failed
	tried     time.Time // when the last one began, in any run

	parametersSet bool
	// restore are the models, other than the main one, that were loaded before a
	// restart, with their context lengths.
	restore []evidence.LoadedModel
	// restoring is set while one of them is being loaded.
	restoring bool
	lasting   lasting
	// lastTook is how long the last load took, to say how long the next may take.
	lastTook time.Duration
}

// forgetLoads drops what belongs to a run of the server that is over. What is to be
// restored belongs to the next.
func (k *Keeper) forgetLoads() {
	if !k.loads.since.IsZero() {
		k.do(CallOffLoad{})
	}
	l := k.loads
	k.loads = loads{restore: l.restore, lastTook: l.lastTook, tried: l.tried}
	k.pull = pull{}
}

// load loads the model that is looked at, unless something speaks against it.
func (k *Keeper) load() {
	switch HoldLoad(k.machine, k.loadView()) {
	case "":
	case Superseded:
		k.do(CallOffLoad{})
		return
	default:
		return
	}
	now := k.turn.now
	if k.sparesLoad() || !k.allowance.loads.AllowN(now, 1) {
		return
	}
	focus, model := k.seen.Focus, k.seen.Focus
	if focus == k.seen.Main {
		model = k.settings.Model
	}
	l := &k.loads
	l.since, l.model, l.asked, l.cause, l.tried = now, focus, model, k.loadReason(), now
	k.info("loading the model", "model", model, "cause", l.cause)
	k.do(LoadTarget{
		Generation: k.seen.Generation, Model: model, Target: focus, Parameters: !l.parametersSet && model == k.settings.Model,
	})
}

// focusLoads is since when Clawgate has been loading the model that the probe looks
// at; zero when it does not.
func (k *Keeper) focusLoads() time.Time {
	if k.loads.model != k.seen.Focus {
		return time.Time{}
	}
	return k.loads.since
}

func (k *Keeper) loadReason() string {
	switch k.machine.State {
	case Verifying:
		return "recovery"
	case Ready:
		return "keep_alive"
	default:
		return "start"
	}
}

// loadView puts together what a load of the model that is looked at depends on.
func (k *Keeper) loadView() LoadView {
	w, now := &k.seen, k.turn.now
	of := w.Models.Get(w.Focus)
	return LoadView{
		Now: now, Judgement: k.judgement,
		Loading: !k.focusLoads().IsZero(), LoadingOther: !k.loads.since.IsZero(), Pulling: !k.pull.since.IsZero(),
		NotBefore: k.loads.notBefore, Listed: w.Server.Named && w.Server.API.Successes+w.Server.API.Failures > 0,
		InMemory: w.Server.LoadedKnown && w.Server.IsLoaded(w.Focus),
		Pinned:   k.settings.KeepAlive < 0, Unclear: k.unclear(),
		GPUDoubted: w.Devices.DoubtedAt, Wanted: of.Wanted, Tried: k.loads.tried,
		Traffic: len(k.turn.Traffic.InFlight) > 0, LastTraffic: w.Server.LastTraffic,
		AnyLoaded: slices.ContainsFunc(w.Server.Loaded, func(m evidence.LoadedModel) bool { return w.Server.Reachable(m.Name) }), OthersUsed: k.othersInUse(), Fits: w.FitsBeside(w.Focus),
	}
}

// othersInUse says that another model than the one that is looked at has clients, or had
// some a while ago.
func (k *Keeper) othersInUse() bool {
	focus, server := k.seen.Focus, &k.seen.Server
	if k.turn.Traffic.UsesBeside(focus) {
		return true
	}
	others := slices.ContainsFunc(server.Loaded, func(m evidence.LoadedModel) bool {
		return !server.Shares(m.Name, focus) && server.Reachable(m.Name) // nobody can ask for one without a name
	})
	return others && k.turn.now.Sub(server.LastTraffic) < OthersIdle
}

func (k *Keeper) loadEnded(failure *watch.Failure) {
	l, now := &k.loads, k.turn.now
	took, cause := now.Sub(l.since), l.cause
	l.since = time.Time{}
	if failure != nil {
		k.loadFailed(*failure)
		return
	}
	l.parametersSet, l.lastTook = true, took
	l.lasting.loaded(now, l.model)
	k.info("the model is loaded", "model", l.asked, "took", took)
	k.do(ModelLoaded{l.asked, cause})
	if cause == "recovery" {
		k.remedy.took(watch.Step{Name: "load the model", Took: took})
	}
	k.seen.Server.LoadedKnown = false // the probe looks for itself
	of := k.seen.Models.Of(l.model)
	of.LoadSucceeded(now)
	k.looks.want(l.model)
	if l.model != k.seen.Focus {
		return // the probe has turned from it
	}
	k.probes.supersede() // what probes found before was of another runner
	of.Streak = watch.Streak{}
	k.probeNow()
}

// exhaustedRetry is the pause between loads of a model that no remedy has mended.
const exhaustedRetry = time.Minute

// loadFailed waits before the next try. An answer with an error comes from a
// server that works: no restart mends a model that is too large or broken.
func (k *Keeper) loadFailed(failure watch.Failure) {
	if failure.CalledOff {
		return
	}
	now, model := k.turn.now, k.loads.model
	k.seen.Models.Of(model).CouldNotLoad(now, failure.Load)
	k.error("cannot load the model", "model", k.loads.asked, "err", failure.Text, "class", failure.Load)
	if model != k.seen.Focus {
		return // the probe has turned from it
	}
	k.loads.notBefore = now.Add(k.settings.RecheckInterval)
	if k.machine.State == Exhausted {
		k.loads.notBefore = now.Add(exhaustedRetry)
	}
	k.seen.Focused().Streak.Inconclusive = "the model could not be loaded: " + cmp.Or(failure.Load.String(), failure.Answer, failure.Text)
	if failure.Answer == "" {
		k.kick(Kick{TCP: true, API: true, Inspect: true})
	}
	sign := evidence.Sign{Model: model, At: now, Detail: failure.Answer}
	switch failure.Kind { // no client had a hand in it
	case evidence.SignRunnerDied:
		k.died(sign)
	case evidence.SignOutOfMemory:
		k.foundNoRoom(sign)
	case evidence.SignOverloaded:
		k.seen.Refused.Own = now
	}
	k.handle(Event{Kind: LoadFailed})
}

// restore loads what else was in memory before a restart, one by one, once the
// main model is ready again.
func (k *Keeper) restore() {
	l := &k.loads
	if k.machine.State != Ready || k.machine.Passive || l.restoring || len(l.restore) == 0 || !l.since.IsZero() ||
		!k.allowance.loads.AllowN(k.turn.now, 1) {
		return
	}
	model := l.restore[0]
	l.restore = l.restore[1:]
	l.restoring = true
	k.info("loading a model that was loaded before", "model", model.Name)
	k.do(Restore{Generation: k.seen.Generation, Model: model})
}

func (k *Keeper) restored(o watch.RestoreEnded) {
	k.loads.restoring = false
	if o.Err != "" {
		k.warn("cannot load a model that was loaded before", "model", o.Model, "err", o.Err)
		return
	}
	k.looks.want(o.Model)
	k.do(ModelLoaded{o.Model, "restore"})
}
