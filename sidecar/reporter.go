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
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// reporter tells the world what was seen, decided and done: the log, the health log,
// the metrics and the status. It is called by the supervisor's loop alone, and what it
// publishes is read by any goroutine. It decides nothing.
type reporter struct {
	metrics *admin.Metrics
	health  *healthlog.Log
	log     *slog.Logger
	version string
	started time.Time

	status atomic.Pointer[admin.Status]
	ready  atomic.Pointer[readyReport]
}

type readyReport struct {
	ready  bool
	reason string
}

// tell tells of an act, and says whether that is all that there is to it.
func (r *reporter) tell(act policy.Act) bool {
	switch a := act.(type) {
	case policy.Tell:
		r.line(a)
	case policy.Entered:
		r.entered(a)
	case policy.Concluded:
		r.concluded(a)
	case policy.Recovered:
		r.recovered(a)
	case policy.Probed:
		r.probed(a)
	case policy.RemedyDue:
		r.due(a)
	case policy.RemedyTaken:
		r.remedied(a)
	case policy.Quarantined:
		r.quarantined(a)
	case policy.Operated:
		r.operated(a)
	case policy.ContainerStarted:
		r.metrics.ContainerStart(a.Cause)
	case policy.OOMKilled:
		r.metrics.ContainerOOMKilled()
	case policy.ModelLoaded:
		r.metrics.ModelLoad(a.Model, a.Cause)
	default:
		return false
	}
	return true
}

var levels = map[policy.Level]func(log *slog.Logger, text string, with ...any){
	policy.Debug: (*slog.Logger).Debug, policy.Info: (*slog.Logger).Info, policy.Warn: (*slog.Logger).Warn, policy.Error: (*slog.Logger).Error,
}

func (r *reporter) line(a policy.Tell) { levels[a.Level](r.log, a.Text, a.With...) }

func (r *reporter) entered(a policy.Entered) {
	r.log.Info("state changed", "from", a.From, "to", a.To, "verdict", a.Judgement.Verdict,
		"sentence", a.Judgement.Sentence, "generation", a.Generation)
	r.metrics.SetState(string(a.To))
	r.health.Add(healthlog.Record{
		At: a.At, Kind: healthlog.KindTransition, State: string(a.To), From: string(a.From), To: string(a.To),
		Verdict: string(a.Judgement.Verdict), Sentence: a.Judgement.Sentence,
	})
}

func (r *reporter) concluded(a policy.Concluded) {
	name := a.Judgement.Verdict
	r.log.Info("verdict changed", "from", a.Before, "to", name, "sentence", a.Judgement.Sentence, "model", a.Judgement.Model)
	r.metrics.SetVerdict(string(name))
	r.health.Add(healthlog.Record{
		At: a.At, Kind: healthlog.KindVerdict, State: string(a.State),
		Verdict: string(name), Sentence: a.Judgement.Sentence,
	})
	if verdict.Of(name).Fault() {
		r.metrics.Detection(string(name), a.Took)
	}
}

func (r *reporter) recovered(a policy.Recovered) {
	attributes := []any{"from_first_failure", a.FromFirstFailure, "from_isolation", a.FromIsolation}
	for _, step := range a.Steps {
		attributes = append(attributes, slog.Duration(step.Name, step.Took))
	}
	r.log.Info("recovered", slog.Group("took", attributes...), "rung", a.Rung)
}

func (r *reporter) probed(a policy.Probed) {
	result := a.Result
	r.metrics.Probe(string(result.Probe), string(result.Outcome), result.Took)
	if result.Outcome != evidence.Failure {
		return
	}
	r.log.Debug("probe failed", "probe", result.Probe, "reason", result.Reason, "took", result.Took)
	r.health.Add(healthlog.Record{
		At: result.At, Kind: healthlog.KindProbeFailure, State: string(a.State), Sentence: result.Reason,
		Detail: map[string]any{"probe": result.Probe, "took_seconds": result.Took.Seconds()},
	})
}

func (r *reporter) due(a policy.RemedyDue) {
	if a.Watching {
		r.metrics.RecoveryObserved(a.Reason, string(a.Rung))
	}
	r.remedy(a.Account, "due", map[string]any{"would_only": a.Watching})
}

func (r *reporter) remedied(a policy.RemedyTaken) {
	r.metrics.Recovery(a.Reason, string(a.Rung), a.Result, a.Took)
	if a.Ended.Leak != nil {
		r.metrics.GPULeaked(*a.Ended.Leak)
	}
	if a.Result == "success" && a.Rung.Cuts() {
		r.metrics.ContainerStart("clawgate")
	}
	detail := map[string]any{"result": a.Result, "took_seconds": a.Took.Seconds(), "steps": a.Ended.Steps}
	if a.Ended.Failure != nil {
		detail["error"] = a.Ended.Failure.Text
	}
	r.remedy(a.Account, "ended", detail)
}

func (r *reporter) remedy(a policy.Account, what string, detail map[string]any) {
	detail["rung"], detail["attempt"], detail["event"] = a.Standing, a.Attempt, what
	r.health.Add(healthlog.Record{
		At: a.At, Kind: healthlog.KindRemedy, State: string(a.State),
		Verdict: a.Reason, Sentence: a.Sentence, Detail: detail,
	})
}

func (r *reporter) quarantined(a policy.Quarantined) {
	r.log.Error("a model is kept out", "model", a.Model, "reason", a.Reason)
	r.health.Add(healthlog.Record{
		At: a.At, Kind: healthlog.KindVerdict, State: string(a.State),
		Verdict: string(a.Verdict), Sentence: a.Reason, Detail: map[string]any{"model": a.Model, "event": "quarantine"},
	})
}

func (r *reporter) operated(a policy.Operated) {
	r.log.Warn("operator call accepted", "call", a.Call, "reason", a.Reason)
	r.health.Add(healthlog.Record{
		At: a.At, Kind: healthlog.KindOperator, State: string(a.State),
		Sentence: a.Reason, Detail: map[string]any{"call": a.Call},
	})
}

// listed takes the models that Ollama has.
func (r *reporter) listed(models ollama.Catalogue) { r.metrics.SetListedModels(models.Names()) }

func (r *reporter) activity(reading evidence.Activity) { r.metrics.ContainerCPU(reading.CPU) }
func (r *reporter) gpu(view evidence.GPUView, containerID string) {
	r.metrics.SetGPU(view, evidence.GPUOwner{ContainerID: containerID})
}

// publish makes how things stand readable for other goroutines.
func (r *reporter) publish(s policy.Standing, status admin.Status) {
	r.metrics.RestartBudgetRemaining(s.BudgetLeft)
	r.metrics.SetLoadedModels(s.Seen.Server.Loaded)
	r.metrics.ContainerStands(s.Misnamed == "")
	r.ready.Store(&readyReport{s.Serves, s.Because})
	r.status.Store(&status)
}
