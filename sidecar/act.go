package sidecar

import (
	"context"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/relay"
	"github.com/clawdbot/clawgate/sidecar/runners"
)

// carryOut does what was decided, in its order. Nothing is decided here.
func (s *supervisor) carryOut(acts []policy.Act) {
	for _, act := range acts {
		if !s.report.tell(act) && !s.change(act) {
			s.begins(act)
		}
	}
}

// change carries out what is done at once, and says whether the act is of that kind.
func (s *supervisor) change(act policy.Act) bool {
	p := &s.parts
	switch a := act.(type) {
	case policy.SetGate:
		p.relay.SetGate(forRelay(a.Gate))
	case policy.Kick:
		s.kicks.kick(a)
	case policy.CancelProbe:
		s.cancelProbe(a.ID)
	case policy.CallOffLoad:
		s.cancels.load()
	case policy.CallOffCheck:
		s.cancels.check()
	case policy.ForgetServer:
		p.options.forget()
		p.abilities.forget()
		p.client.Forget()
		p.processes.forget(time.Now())
	case policy.ForgetRunners:
		p.options.forget()
	case policy.Adapt:
		p.adapt(a.Env)
	case policy.Spend:
		p.journal.Spend(a.At)
	case policy.Refund:
		p.journal.Refund(a.At)
		s.workers.Go(s.saveJournal)
	case policy.DropIntent:
		p.journal.Forget()
		s.workers.Go(s.saveJournal)
	default:
		return false
	}
	return true
}

// begins begins what takes time, in a worker that posts what came of it.
func (s *supervisor) begins(act policy.Act) {
	switch a := act.(type) {
	case policy.SendProbe:
		s.sendProbe(a)
	case policy.LoadTarget:
		s.load(a)
	case policy.PullMain:
		s.pull(a)
	case policy.Restore:
		s.restore(a)
	case policy.CheckRefusal:
		s.checkRefusal(a)
	case policy.LookAtProcesses:
		s.lookAtProcesses(a)
	case policy.AskVersion:
		s.askVersion()
	case policy.TakeRemedy:
		s.takeRemedy(a)
	}
}

// adapt takes from the container's settings what Clawgate adapts itself to.
func (p *instruments) adapt(env map[string]string) {
	settings := ollama.Settings(env)
	slots, _ := settings.Slots()
	p.relay.SetSlots(slots)
	keepAlive, _ := settings.Duration(ollama.KeepAliveSetting, runners.UsualKeepAlive)
	p.processes.ledger.SetKeepAlive(keepAlive)
}

// saveJournal writes to a disk that may hang, so that no loop may wait for it.
func (s *supervisor) saveJournal() {
	if err := s.parts.journal.Save(); err != nil {
		s.log.Warn("cannot write the recovery journal; the budget would not survive a crash", "err", err)
	}
}

func forRelay(gate policy.Gate) relay.Gate {
	told := relay.Gate{State: string(gate.State), Proved: gate.Proved, Trial: gate.Trial}
	if gate.All != nil {
		all := closureOf(*gate.All)
		told.All = &all
	}
	for model, closure := range gate.Models {
		if told.Models == nil {
			told.Models = map[string]relay.Closure{}
		}
		told.Models[model] = closureOf(closure)
	}
	return told
}

func closureOf(c policy.Closure) relay.Closure {
	return relay.Closure{Reason: c.Reason, MayHold: c.MayHold, HoldFor: c.HoldFor, ExpectedOpen: c.ExpectedOpen, Progress: c.Progress}
}

// cancelDeadline bounds the wait for cancelled requests to end.
const cancelDeadline = 5 * time.Second

// cancelRequests ends all requests to a model, and returns how many there were. It is
// called by the ladder's worker.
func (p *instruments) cancelRequests(model string) int {
	ctx, cancel := context.WithTimeout(context.Background(), cancelDeadline)
	defer cancel()
	defer p.transport.CloseIdleConnections()
	return p.relay.Cancel(ctx, model, "the model is being recovered")
}

// inUse says that Ollama works on a request for the model, or for another one that has
// its runner. It may be called by any goroutine.
func (p *instruments) inUse(model string) bool {
	models := p.catalogue.is()
	of := models.Titled(model)
	return slices.ContainsFunc(p.relay.Traffic().InFlight, func(r evidence.Request) bool { return models.Titled(r.Model).Shares(of) })
}
