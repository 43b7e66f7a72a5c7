package policy

import (
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	// afterJump is how long no remedy is begun after the wall clock jumped: what
	// depends on it may look like a fault (docs/faults.md, F29).
	afterJump = time.Minute
	// startsTried and stopsTried are how often the engine may fail at the same
	// thing before it is a person's.
	startsTried = 5
	stopsTried  = 2
)

// Restraint is why no remedy may be taken, and what a person has to do. The zero value
// holds nothing back.
type Restraint struct {
	Reason   Reason
	Sentence string
}

// Holds says that there is a restraint.
func (r Restraint) Holds() bool { return r.Reason != "" }

// Reason is why a remedy is held back.
type Reason string

const (
	// NotTheServer: the container is not the server that answers.
	NotTheServer Reason = "not_the_server"
	// DriverMismatch: a container that is stopped would not start again.
	DriverMismatch Reason = "driver_mismatch"
	// DeviceFailed: the driver has given up the GPU.
	DeviceFailed Reason = "device_failed"
	// NeverStops and NeverStarts: the engine has tried often enough.
	NeverStops  Reason = "never_stops"
	NeverStarts Reason = "never_starts"
	// BudgetSpent: no restart is left for now. It is the only one that ends by itself.
	BudgetSpent Reason = "budget_spent"
)

// restrained holds a remedy back that cannot help or would make things worse,
// and says what a person has to do instead.
func restrained(j verdict.Judgement, p verdict.Picture, tried Attempts) verdict.Judgement {
	if !j.Need.Remedy() {
		return j
	}
	if !p.ClockJumpedAt.IsZero() && p.Now.Sub(p.ClockJumpedAt) < afterJump {
		j.Need = verdict.Of(j.Verdict).Usually(j.Answers)
		j.Sentence += "; the clock has jumped, so this is looked at again"
		return j
	}
	restraint := startForbidden(tried)
	switch {
	case p.Apart != "": // an unload would be for the server, and a restart of another container
		restraint = RestartForbidden(p, tried)
	case !j.ServerGone:
		restraint = RestartForbidden(p, tried)
		unload := j.Model != "" && !tried.Unloaded && !tried.Restarted // it comes first
		if unload || j.Need == verdict.MakeRoom {
			return j // neither is a restart
		}
	}
	if !restraint.Holds() {
		return j
	}
	held := verdict.Judgement{
		Verdict: verdict.HostAction, Answers: j.Answers, ServerGone: j.ServerGone, Behind: j.Verdict, Model: j.Model,
		Sentence: j.Sentence + "; " + restraint.Sentence,
	}
	switch {
	case j.Need == verdict.MendWhenQuiet: // the model goes on answering
		held.Need = verdict.Of(held.Verdict).Usually(held.Answers)
	case restraint.Reason == BudgetSpent:
		held.Need = verdict.MendWithBudget
	default:
		held.Need = verdict.Person
	}
	return held
}

// RestartForbidden says why the container must not be stopped now. Whoever is about to
// restart it asks once more: one remedy may follow another without a verdict in between.
func RestartForbidden(p verdict.Picture, tried Attempts) Restraint {
	switch {
	case p.Apart != "":
		return Restraint{NotTheServer, "nothing is healed: " + p.Apart}
	case (p.Devices.Mismatch || p.Devices.View.Mismatch) && p.Container.Seen.GPURequested:
		return Restraint{DriverMismatch, "no restart: the NVIDIA driver and its library do not match, and a container that is stopped now would not start again; reboot the host or reload the driver"}
	case verdict.DeviceTrouble(p) != "" && (tried.Restarted || !verdict.RestartMayHelp(p)):
		return Restraint{DeviceFailed, "no restart: " + verdict.DeviceTrouble(p) + "; " + verdict.WhatTheHostNeeds(p)}
	case tried.FailedStops >= stopsTried:
		return Restraint{NeverStops, fmt.Sprintf("no restart: the container did not stop %d times (%s); look for a process in state D", tried.FailedStops, tried.LastError)}
	}
	return budgetSpent(tried)
}

func startForbidden(tried Attempts) Restraint {
	if tried.FailedStarts < startsTried {
		return budgetSpent(tried)
	}
	return Restraint{NeverStarts, fmt.Sprintf("it did not start %d times (%s); a person has to look", tried.FailedStarts, tried.LastError)}
}

func budgetSpent(tried Attempts) Restraint {
	if tried.NoBudget == "" {
		return Restraint{}
	}
	return Restraint{BudgetSpent, tried.NoBudget}
}
