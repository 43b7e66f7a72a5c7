package sidecar

import (
	"context"
	"errors"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// refusalCheck is how Clawgate finds out whether Ollama's 503 "server busy" is true. A
// client's refusal is a hint: another machine that runs a model for Ollama can write
// the same words. A probe decides nothing either: newer releases serve a loaded model
// past the loop that is stuck (ollama/ollama#17408), and where the model's keep-alive
// has passed none is sent. What has to go through that loop is a load of a model that
// is not in memory. Its place in the queue is what clients are refused.
type refusalCheck struct {
	// model is the one to load, normalised: what was refused last in the present row and
	// is not in memory. Empty for none.
	model  string
	asked  time.Time
	cancel context.CancelFunc // of the load under way; nil without one
}

const (
	// refusalsApart: refusals that lie further apart are not of one row.
	refusalsApart = 30 * time.Second
	// checkPause is the least time between two checks, so that no words of clients
	// bring about more than one load in a while.
	checkPause = time.Minute
)

// wasRefused takes a 503 that a client got.
func (s *supervisor) wasRefused(sign evidence.Sign) {
	if verdict.InCloud(sign.Model) {
		return // it is another server's
	}
	row := &s.symptoms.refused
	if row.Count == 0 || sign.At.Sub(row.Last) > refusalsApart {
		*row, s.refusals.model = verdict.Refusals{First: sign.At}, ""
	}
	row.Last = sign.At
	row.Count++
	if sign.Model != "" && !s.inMemory(sign.Model) { // a name is only there when Ollama lists the model
		s.refusals.model = sign.Model
	}
}

// checkRefusals loads the model that was refused last, if that is to be found out now.
func (s *supervisor) checkRefusals(p verdict.Picture) {
	if !s.doubtsRefusals(p) {
		return
	}
	ctx, cancel := context.WithCancel(s.run)
	s.refusals.asked, s.refusals.cancel = p.Now, cancel
	model := s.refusals.model
	name, keepAlive := model, any(nil) // another model stays as long as Ollama keeps it for a client
	if model == s.mainModel() {
		name, keepAlive = s.config.Model, s.config.KeepAlive
	}
	options := s.options.remembered(model)
	s.log.Info("loading a model, to see whether Ollama is as busy as it says", "model", model)
	done := s.view.ledger.Loading(model)
	s.spawn(func(_ context.Context, post func(func())) {
		defer cancel()
		err := s.client.Load(ctx, name, keepAlive, options)
		done(time.Now(), err == nil, 0) // as long as the server's own setting says
		post(func() { s.checkedRefusals(time.Now(), model, err) })
	})
}

// doubtsRefusals says that a check is worth a load, and that the load is in nobody's
// way. In other states than ready Clawgate loads its own model, which tells the same.
func (s *supervisor) doubtsRefusals(p verdict.Picture) bool {
	model := s.refusals.model
	switch {
	case !verdict.MayBeDeadlocked(p), model == "":
	case s.refusals.cancel != nil, p.Now.Sub(s.refusals.asked) < checkPause:
	case s.machine.State != policy.Ready, s.machine.Passive:
	case !s.work.loadSince.IsZero(), s.work.restoring, !s.work.pullSince.IsZero():
	case !s.seen.loadedKnown, s.inMemory(model), p.Now.Before(s.models.get(model).kept.until):
	case s.models.get(model).size == 0: // nobody has told that it has weights here
	default:
		return len(s.seen.loaded) == 0 && !s.models.anyPresent() || s.fitsBeside(model)
	}
	return false
}

// checkedRefusals takes what Ollama answered. The same refusal confirms those of the
// clients; any other answer refutes them, and their row begins anew. No answer tells
// nothing.
func (s *supervisor) checkedRefusals(now time.Time, model string, err error) {
	s.refusals.cancel = nil
	s.log.Info("checked whether Ollama is as busy as it says", "model", model, "err", err)
	status, answered := asStatus(err)
	switch {
	case answered && status.Kind == evidence.SignOverloaded:
		s.symptoms.refused.Own = now
		return
	case err != nil && !answered:
		return
	case err == nil:
		s.models.of(model).present = true
		s.view.want(model)
		s.report.modelLoaded(model, "check")
	}
	s.symptoms.refused.First, s.symptoms.refused.Own = now, time.Time{}
}

// forget drops what speaks of a run of the server that is over, and calls its load off.
func (c *refusalCheck) forget() {
	if c.cancel != nil {
		c.cancel()
	}
	*c = refusalCheck{asked: c.asked}
}

// asStatus is the answer that an error is about; false where there was none.
func asStatus(err error) (*ollama.StatusError, bool) {
	var status *ollama.StatusError
	return status, errors.As(err, &status)
}
