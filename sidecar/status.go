package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// recentShown is how many of the newest changes the status shows.
const recentShown = 20

// status is what /-/status shows of this moment.
func (s *supervisor) status(now time.Time, of policy.Standing) admin.Status {
	seen := of.Seen
	view := admin.Status{
		Version: s.report.version, StartedAt: s.report.started, At: now,
		State: string(of.State), Since: of.Since, Mode: string(s.config.Mode),
		Paused: of.Paused != nil, Generation: seen.Generation,
		Verdict: admin.VerdictStatus{
			Name: string(of.Judgement.Verdict), Sentence: of.Judgement.Sentence, Since: of.JudgedAt, Scope: of.Judgement.Model,
		},
		Gate: gateStatus(of.Gate),
		Probes: admin.ProbesStatus{
			TCP: probeStatus(seen.Server.TCP), API: probeStatus(seen.Server.API), Ready: probeStatus(seen.Models.Get(seen.Focus).Streak),
		},
		Traffic:   admin.TrafficOf(s.parts.relay.Traffic(), s.parts.relay.Load()),
		Container: containerStatus(s.config.Container, of),
		Activity:  activityStatus(seen.Server.Pulse, now),
		Models:    admin.ModelsOf(seen.Server.Loaded),
		GPU:       admin.GPUOf(seen.Devices.View),
		Symptoms:  symptomsStatus(seen),
		Budget: admin.BudgetStatus{
			Remaining: of.BudgetLeft, Budget: s.config.RestartBudget, WindowSeconds: s.config.RestartWindow.Seconds(),
		},
		Recent:           s.report.health.Recent(recentShown),
		HealthLogDropped: s.report.health.Dropped(),
	}
	statusOfWork(&view, s.config.Model, of)
	return view
}

// statusOfWork shows what Clawgate does, and what it would do.
func statusOfWork(view *admin.Status, model string, of policy.Standing) {
	for _, kept := range of.Quarantine {
		view.Quarantine = append(view.Quarantine, admin.QuarantineStatus(kept))
	}
	if of.Due != nil {
		view.Due = &admin.RemedyStatus{Rung: string(of.Due.Rung), Reason: of.Due.Reason, Since: of.Due.Since, Waits: of.Due.Waits}
	}
	if of.Paused != nil {
		view.PausedReason = *of.Paused
	}
	if of.Rung != policy.NoRung {
		view.Recovery = &admin.RecoveryStatus{Rung: string(of.Rung), Attempt: of.Attempts, Since: of.RungBegan, LastResult: of.LastError}
	}
	if !of.Pull.Since.IsZero() {
		view.Pull = &admin.PullStatus{
			Model: model, Status: of.Pull.Status, Since: of.Pull.Since,
			CompletedBytes: of.Pull.Done, TotalBytes: of.Pull.Total,
		}
	}
}

func gateStatus(of policy.Gate) admin.GateStatus {
	gate := admin.GateStatus{Open: of.All == nil}
	if of.All != nil {
		gate.Reason, gate.ExpectedOpen = of.All.Reason, of.All.ExpectedOpen
	}
	for model, closure := range of.Models {
		gate.ModelsClosed = append(gate.ModelsClosed, model)
		gate.Reason, gate.ExpectedOpen = closure.Reason, closure.ExpectedOpen
	}
	return gate
}

func probeStatus(streak watch.Streak) admin.ProbeStatus {
	return admin.ProbeOf(streak.Last, max(streak.Successes, streak.Failures), streak.Inconclusive)
}

func containerStatus(name string, of policy.Standing) admin.ContainerStatus {
	status := admin.ContainerOf(of.Seen.Container.Seen)
	status.Name, status.EngineAwaySince, status.Trouble = name, of.Seen.Container.EngineAway, of.Misnamed
	return status
}

func activityStatus(pulse watch.Pulse, now time.Time) admin.ActivityStatus {
	return admin.ActivityStatus{
		Seen:                  admin.Seen{At: pulse.SeenAt()},
		CPUMillisPerSecond:    float64(pulse.Rate.CPU) / float64(time.Millisecond),
		NetworkBytesPerSecond: pulse.Rate.Network,
		DiskBytesPerSecond:    pulse.Rate.Disk,
		StillSeconds:          pulse.StillFor(now).Seconds(),
	}
}
