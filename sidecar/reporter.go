package sidecar

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// reporter tells the world what the supervisor did: the log, the health log,
// the metrics and the status. It is called by the supervisor's goroutine alone,
// and what it publishes is read by any other.
type reporter struct {
	metrics *admin.Metrics
	health  *healthlog.Log
	log     *slog.Logger
	version string
	started time.Time

	status atomic.Pointer[admin.Status]
	ready  atomic.Pointer[readyReport]

	isolatedAt time.Time
}

type readyReport struct {
	ready  bool
	reason string
}

// entered reports a new state.
func (r *reporter) entered(s *supervisor, from, to policy.State) {
	now := s.since
	r.log.Info("state changed", "from", from, "to", to, "verdict", s.judgement.Verdict,
		"sentence", s.judgement.Sentence, "generation", s.generation)
	r.metrics.SetState(string(to))
	r.health.Add(healthlog.Record{
		At: now, Kind: healthlog.KindTransition, State: string(to), From: string(from), To: string(to),
		Verdict: string(s.judgement.Verdict), Sentence: s.judgement.Sentence,
	})
	switch {
	case to == policy.Isolated && r.isolatedAt.IsZero():
		r.isolatedAt = now
	case to == policy.Ready:
		r.recovered(s, now)
	}
}

// recovered accounts for the way back from isolation, part by part.
func (r *reporter) recovered(s *supervisor, now time.Time) {
	if r.isolatedAt.IsZero() {
		return
	}
	firstFailure := s.remedy.since
	if firstFailure.IsZero() || firstFailure.After(r.isolatedAt) {
		firstFailure = r.isolatedAt
	}
	if len(s.remedy.steps) > 0 {
		s.remedy.lastTook = now.Sub(r.isolatedAt)
	}
	attributes := []any{"from_first_failure", now.Sub(firstFailure), "from_isolation", now.Sub(r.isolatedAt)}
	for _, step := range s.remedy.steps {
		attributes = append(attributes, slog.Duration(step.Name, step.Took))
	}
	r.log.Info("recovered", slog.Group("took", attributes...), "rung", r.rungTaken(s))
	r.isolatedAt, s.remedy.since, s.remedy.steps = time.Time{}, time.Time{}, nil
}

// rungTaken is the remedy that led out of this isolation; none if the server
// came back by itself.
func (r *reporter) rungTaken(s *supervisor) policy.Rung {
	if len(s.remedy.steps) == 0 {
		return policy.NoRung
	}
	return s.remedy.rung
}

// judged reports another verdict.
func (r *reporter) judged(s *supervisor, before, after verdict.Judgement) {
	r.log.Info("verdict changed", "from", before.Verdict, "to", after.Verdict, "sentence", after.Sentence, "model", after.Model)
	r.metrics.SetVerdict(string(after.Verdict))
	r.health.Add(healthlog.Record{
		At: s.judgedAt, Kind: healthlog.KindVerdict, State: string(s.machine.State),
		Verdict: string(after.Verdict), Sentence: after.Sentence,
	})
	if verdict.Of(after.Verdict).Fault() {
		since := s.focus().streak.FailingSince
		if since.IsZero() {
			since = s.judgedAt
		}
		r.metrics.Detection(string(after.Verdict), s.judgedAt.Sub(since))
	}
}

func (r *reporter) probed(s *supervisor, result evidence.ProbeResult) {
	r.metrics.Probe(string(result.Probe), string(result.Outcome), result.Took)
	if result.Outcome != evidence.Failure {
		return
	}
	r.log.Debug("probe failed", "probe", result.Probe, "reason", result.Reason, "took", result.Took)
	r.health.Add(healthlog.Record{
		At: result.At, Kind: healthlog.KindProbeFailure, State: string(s.machine.State), Sentence: result.Reason,
		Detail: map[string]any{"probe": result.Probe, "took_seconds": result.Took.Seconds()},
	})
}

// due reports that a remedy is due, or would be taken if Clawgate did not only watch.
func (r *reporter) due(s *supervisor, now time.Time, rung policy.Rung) {
	if s.machine.Passive && !s.machine.Forced {
		r.metrics.RecoveryObserved(s.remedy.reason, string(rung))
	}
	r.remedy(s, now, "due", map[string]any{"would_only": s.machine.Passive && !s.machine.Forced})
}

func (r *reporter) remedied(s *supervisor, rung policy.Rung, result string, report recovery.Report, now time.Time) {
	r.metrics.Recovery(s.remedy.reason, string(rung), result, now.Sub(s.remedy.began))
	if report.Leak != nil {
		r.metrics.GPULeaked(*report.Leak)
	}
	if result == "success" && rung.Cuts() {
		r.metrics.ContainerStart("clawgate")
	}
	detail := map[string]any{"result": result, "took_seconds": now.Sub(s.remedy.began).Seconds(), "steps": report.Steps}
	if report.Err != nil {
		detail["error"] = report.Err.Error()
	}
	r.remedy(s, now, "ended", detail)
}

func (r *reporter) remedy(s *supervisor, now time.Time, what string, detail map[string]any) {
	detail["rung"], detail["attempt"], detail["event"] = s.machine.Rung, s.remedy.attempts, what
	r.health.Add(healthlog.Record{
		At: now, Kind: healthlog.KindRemedy, State: string(s.machine.State),
		Verdict: s.remedy.reason, Sentence: s.remedy.sentence, Detail: detail,
	})
}

// keptOut reports that a model is in quarantine.
func (r *reporter) keptOut(s *supervisor, model string, name verdict.Verdict, reason string) {
	r.log.Error("a model is kept out", "model", model, "reason", reason)
	r.health.Add(healthlog.Record{
		At: time.Now(), Kind: healthlog.KindVerdict, State: string(s.machine.State),
		Verdict: string(name), Sentence: reason, Detail: map[string]any{"model": model, "event": "quarantine"},
	})
}

func (r *reporter) operator(s *supervisor, what, reason string) {
	r.log.Warn("operator call accepted", "call", what, "reason", reason)
	r.health.Add(healthlog.Record{
		At: time.Now(), Kind: healthlog.KindOperator, State: string(s.machine.State),
		Sentence: reason, Detail: map[string]any{"call": what},
	})
}

// listed takes the models that Ollama has; nil when it did not say.
func (r *reporter) listed(names []string) {
	if names == nil {
		return
	}
	normal := make([]string, 0, len(names))
	for _, name := range names {
		normal = append(normal, ollama.NormalizeModel(name))
	}
	r.metrics.SetListedModels(normal)
}

func (r *reporter) containerStarted(cause string)      { r.metrics.ContainerStart(cause) }
func (r *reporter) oomKilled()                         { r.metrics.ContainerOOMKilled() }
func (r *reporter) activity(reading evidence.Activity) { r.metrics.ContainerCPU(reading.CPU) }
func (r *reporter) modelLoaded(model, cause string)    { r.metrics.ModelLoad(model, cause) }
func (r *reporter) gpu(s *supervisor, v evidence.GPUView) {
	r.metrics.SetGPU(v, evidence.GPUOwner{ContainerID: s.seen.container.ID})
}

// publish makes the present state readable for other goroutines.
func (r *reporter) publish(s *supervisor, now time.Time) {
	r.metrics.RestartBudgetRemaining(s.budgetLeft(now))
	r.metrics.SetLoadedModels(s.seen.loaded)
	ready, reason := s.serves()
	r.ready.Store(&readyReport{ready, reason})
	status := s.status(now)
	r.status.Store(&status)
}
