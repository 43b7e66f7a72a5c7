package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// suspect turns the readiness probe to another model whose clients wait. It
// turns back once that model has answered, or its trouble is over.
func (s *supervisor) suspect(model string) {
	now := time.Now()
	if model == "" || verdict.InCloud(model) || s.focus().streak.Failures > 0 || s.readiness.asksSince(now.Add(-answersWithin)) {
		return // nobody knows which it is, nothing here keeps it waiting, or the model that is looked at has its say first
	}
	p := s.picture(now)
	if waits, found := verdict.ClientWaits(p); !found || waits != model {
		return
	}
	s.turnAside(model)
}

// turnAside turns the probe to a model beside the main one. Clients give the reasons
// for that, and not the pace.
func (s *supervisor) turnAside(model string) {
	if s.paces.turns.Allow() {
		s.turnTo(model)
	}
}

// answersWithin is how long a probe takes to be answered or to count as a failure,
// unless the server works.
const answersWithin = 10 * time.Second

// turnTo has the probe look at a model. What other probes bring counts no more.
func (s *supervisor) turnTo(model string) {
	s.readiness.settle()
	s.models.of(model).lookedAt(model == s.mainModel())
	s.readiness = readiness{target: model, turned: time.Now(), asked: s.readiness.asked, open: s.readiness.open}
	s.log.Info("the readiness probe looks at another model", "model", model)
}

// focus is what is known of the model that the probe looks at.
func (s *supervisor) focus() *modelRecord { return s.models.of(s.readiness.target) }

// aside says that the probe looks at another model than the main one.
func (s *supervisor) aside() bool { return s.readiness.target != s.mainModel() }

// turnBack leaves another model of which nothing is found out in a while: who works
// long for its clients keeps its probe waiting, and the main model unlooked at. At
// once if the GPU came into question meanwhile.
func (s *supervisor) turnBack(now time.Time) {
	switch {
	case !s.aside() || s.machine.State == policy.Recovering:
		return
	case s.symptoms.doubtedAt.After(s.readiness.turned):
	case s.machine.State == policy.Isolated && s.machine.Draining, s.focus().streak.Failures > 0, now.Sub(s.readiness.turned) < besideSilence:
		return
	}
	if s.machine.State == policy.Verifying { // its next client will tell
		s.log.Warn("a model that was mended has not proved itself yet", "model", s.readiness.target)
		s.report.isolatedAt, s.remedy.since, s.remedy.steps = time.Time{}, time.Time{}, nil
	}
	s.turnTo(s.mainModel())
}

// lookAside turns the probe to a model whose clients wait in a still server, once in
// a while: the sign of a request that waits long may have come too early for that.
func (s *supervisor) lookAside(now time.Time) {
	if s.aside() || s.machine.State != policy.Ready || now.Sub(s.readiness.turned) < besideSilence {
		return
	}
	model, waits := verdict.ClientWaits(s.picture(now))
	if waits && model != s.mainModel() && s.models.get(model).answers { // else it may be a load that takes its time
		s.suspect(model)
	}
}

// mainModel is the model that Clawgate is there for.
func (s *supervisor) mainModel() string { return ollama.NormalizeModel(s.config.Model) }
