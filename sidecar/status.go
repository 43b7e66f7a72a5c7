package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// recentShown is how many of the newest changes the status shows.
const recentShown = 20

// status is what /-/status shows of this moment.
func (s *supervisor) status(now time.Time) admin.Status {
	view := admin.Status{
		Version: s.report.version, StartedAt: s.report.started, At: now,
		State: string(s.machine.State), Since: s.since, Mode: string(s.config.Mode),
		Paused: s.pausedFor != nil, Generation: s.generation,
		Verdict: admin.VerdictStatus{
			Name: string(s.judgement.Verdict), Sentence: s.judgement.Sentence, Since: s.judgedAt, Scope: s.judgement.Model,
		},
		Gate: s.gateStatus(),
		Probes: admin.ProbesStatus{
			TCP: probeStatus(s.seen.tcp), API: probeStatus(s.seen.api), Ready: probeStatus(s.focus().streak),
		},
		Traffic:   admin.TrafficOf(s.relay.Traffic(), s.relay.Load()),
		Container: s.containerStatus(now),
		Activity:  s.activityStatus(now),
		Models:    admin.ModelsOf(s.seen.loaded),
		GPU:       admin.GPUOf(s.seen.gpu),
		Symptoms:  s.symptomsStatus(),
		Due:       s.dueStatus(),
		Budget: admin.BudgetStatus{
			Remaining: s.budgetLeft(now), Budget: s.config.RestartBudget, WindowSeconds: s.config.RestartWindow.Seconds(),
		},
		Recent:           s.report.health.Recent(recentShown),
		HealthLogDropped: s.report.health.Dropped(),
	}
	view.Quarantine = s.quarantineStatus(now)
	if s.pausedFor != nil {
		view.PausedReason = *s.pausedFor
	}
	if s.machine.Rung != policy.NoRung && s.machine.State != policy.Ready {
		view.Recovery = &admin.RecoveryStatus{
			Rung: string(s.machine.Rung), Attempt: s.remedy.attempts, Since: s.remedy.began, LastResult: s.remedy.lastError,
		}
	}
	if !s.work.pullSince.IsZero() {
		view.Pull = &admin.PullStatus{
			Model: s.config.Model, Status: s.work.pullStatus, Since: s.work.pullSince,
			CompletedBytes: s.work.pullDone, TotalBytes: s.work.pullTotal,
		}
	}
	return view
}

func (s *supervisor) gateStatus() admin.GateStatus {
	gate := admin.GateStatus{Open: s.lastGate.All == nil}
	if s.lastGate.All != nil {
		gate.Reason, gate.ExpectedOpen = s.lastGate.All.Reason, s.lastGate.All.ExpectedOpen
	}
	for model, closure := range s.lastGate.Models {
		gate.ModelsClosed = append(gate.ModelsClosed, model)
		gate.Reason, gate.ExpectedOpen = closure.Reason, closure.ExpectedOpen
	}
	return gate
}

func probeStatus(streak verdict.Streak) admin.ProbeStatus {
	return admin.ProbeOf(streak.Last, max(streak.Successes, streak.Failures), streak.Doubt)
}

func (s *supervisor) containerStatus(now time.Time) admin.ContainerStatus {
	status := admin.ContainerOf(s.seen.container)
	status.Name, status.EngineAwaySince, status.Trouble = s.config.Container, s.seen.engineAway, s.misnamed(now)
	return status
}

func (s *supervisor) activityStatus(now time.Time) admin.ActivityStatus {
	pulse := s.seen.pulse
	return admin.ActivityStatus{
		Seen:                  admin.Seen{At: pulse.SeenAt()},
		CPUMillisPerSecond:    float64(pulse.Rate.CPU) / float64(time.Millisecond),
		NetworkBytesPerSecond: pulse.Rate.Network,
		DiskBytesPerSecond:    pulse.Rate.Disk,
		StillSeconds:          pulse.StillFor(now).Seconds(),
	}
}
