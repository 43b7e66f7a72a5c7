package policy

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// refusalCheck is how Clawgate finds out whether Ollama's 503 "server busy" is true. A
// client's refusal is a hint: another machine that runs a model for Ollama can write
// the same words. A probe decides nothing either: newer releases serve a loaded model
// past the loop that is stuck (ollama/ollama#17408), and where the model's keep-alive
// has passed none is sent. What has to go through that loop is a load of a model that
// is not in memory. Its place in the queue is what clients are refused.
type refusalCheck struct {
	asked   time.Time
	running bool
}

const (
	// refusalsApart: refusals that lie further apart are not of one row.
	refusalsApart = 30 * time.Second
	// checkPause is the least time between two checks, so that no words of clients
	// bring about more than one load in a while.
	checkPause = time.Minute
)

// wasRefused takes a 503 that a client got.
func (k *Keeper) wasRefused(sign evidence.Sign) {
	if verdict.InCloud(sign.Model) {
		return // it is another server's
	}
	row := &k.seen.Refused
	if row.Count == 0 || sign.At.Sub(row.Last) > refusalsApart {
		*row = watch.Refusals{First: sign.At}
	}
	row.Last = sign.At
	row.Count++
	if sign.Model != "" && !k.seen.InMemory(sign.Model) { // a name is only there when Ollama lists the model
		row.Model = sign.Model
	}
}

// checkRefusals loads the model that was refused last, if that is to be found out now.
func (k *Keeper) checkRefusals() {
	if !k.worthChecking(k.picture()) {
		return
	}
	model := k.seen.Refused.Model
	k.check = refusalCheck{asked: k.turn.now, running: true}
	k.info("loading a model, to see whether Ollama is as busy as it says", "model", model)
	k.do(CheckRefusal{k.seen.Generation, model})
}

// worthChecking says that a check is worth a load, and that the load is in nobody's
// way. In other states than ready Clawgate loads its own model, which tells the same.
func (k *Keeper) worthChecking(p verdict.Picture) bool {
	model := k.seen.Refused.Model
	of := k.seen.Models.Get(model)
	switch {
	case !verdict.MayBeDeadlocked(p), model == "":
	case k.check.running, p.Now.Sub(k.check.asked) < checkPause:
	case k.machine.State != Ready, k.machine.Passive:
	case !k.loads.since.IsZero(), k.loads.restoring, !k.pull.since.IsZero():
	case !k.seen.Server.LoadedKnown, k.seen.InMemory(model), p.Now.Before(of.Quarantine.Until):
	case of.Size == 0: // nobody has told that it has weights here
	default:
		return len(k.seen.Server.Loaded) == 0 && !k.seen.Models.AnyPresent() || k.seen.FitsBeside(model)
	}
	return false
}

// checkEnded takes what Ollama answered. The same refusal confirms those of the
// clients; any other answer refutes them, and their row begins anew. No answer tells
// nothing.
func (k *Keeper) checkEnded(o watch.CheckEnded) {
	now, failure := k.turn.now, o.Failure
	k.check.running = false
	text := ""
	if failure != nil {
		text = failure.Text
	}
	k.info("checked whether Ollama is as busy as it says", "model", o.Model, "err", orNil(text))
	switch {
	case failure == nil:
		k.seen.Models.Of(o.Model).Present = true
		k.looks.want(o.Model)
		k.do(ModelLoaded{o.Model, "check"})
	case failure.Answer == "":
		return
	case failure.Kind == evidence.SignOverloaded:
		k.seen.Refused.Own = now
		return
	}
	k.seen.Refused.First, k.seen.Refused.Own = now, time.Time{}
}

// forgetCheck drops what speaks of a run of the server that is over.
func (k *Keeper) forgetCheck() {
	if k.check.running {
		k.do(CallOffCheck{})
	}
	k.check = refusalCheck{asked: k.check.asked}
}
