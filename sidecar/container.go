package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/runners"
)

// sawEvent takes a hint from the engine. What it hints at is looked at at once.
func (s *supervisor) sawEvent(event evidence.ContainerEvent) {
	s.log.Debug("engine event", "action", event.Action, "signal", event.Signal, "exit_code", event.ExitCode)
	switch event.Action {
	case evidence.EngineLost:
		s.kicks.inspect.kick()
		return
	case evidence.ActionStart, evidence.ActionResume:
		s.role.absence.doubt(time.Now())
	case evidence.ActionOOM:
		s.report.oomKilled()
	}
	if !s.remedy.ours() && !s.ownStop(event.At) {
		s.seen.operator.saw(event)
		if event.Action == evidence.ActionKill && ends(event.Signal) {
			s.disown()
		}
	}
	s.kicks.inspect.kick()
}

// sawContainer takes an inspection. A new identity is a new run of the server:
// all that was seen of the old one is forgotten.
func (s *supervisor) sawContainer(asked, now time.Time, container evidence.Container, err error) {
	if err != nil {
		s.engineAway(now, err)
		return
	}
	s.engineBack()
	before, known := s.seen.ran, s.seen.containerKnown
	paused := s.seen.container.Status == evidence.Paused
	s.seen.container, s.seen.containerKnown = container, true
	if container.Status == evidence.Running {
		s.seen.ran = container
	}
	if container.Status == evidence.Running || paused && container.Status != evidence.Paused { // a pause is no end
		s.seen.goneSince = time.Time{}
	}
	if container.Status != evidence.Running && s.seen.goneSince.IsZero() {
		s.seen.goneSince = goneSince(container, now)
	}
	s.models.each(func(m *modelRecord) { m.crashes.forgetEnd(container.FinishedAt) })
	if gone := s.role.absence.since; !s.remedy.running && s.role.follow(asked, now, container) {
		defer s.anew(now)
	} else if gone != s.role.absence.since && container.Status != evidence.Running {
		s.kicks.api.kick() // who answers now is another server
	}
	if !s.remedy.running { // else the intent is that of the remedy under way
		s.dropIntent(now, container)
	}
	if !known {
		s.met(container)
		return
	}
	same := container.Equal(before.Identity)
	switch {
	case container.Status != evidence.Running || s.remedy.running:
	case !same:
		s.replaced(now, before, container)
	case paused:
		s.resumed(now)
	}
}

// resumed begins anew with a container whose pause a person has undone. What
// failed while it was paused says nothing about the server.
func (s *supervisor) resumed(now time.Time) {
	s.log.Info("the container's pause was undone")
	s.anew(now)
}

// anew begins anew with a server that has yet to prove itself.
func (s *supervisor) anew(now time.Time) {
	s.recalibrate(now)
	s.handle(now, policy.Event{Kind: policy.Replaced})
}

// goneSince is when a container ended, as far as the engine's clock can be
// believed: it may run ahead of ours, or the container never ran.
func goneSince(c evidence.Container, now time.Time) time.Time {
	if c.FinishedAt.IsZero() || c.FinishedAt.After(now) {
		return now
	}
	return c.FinishedAt
}

// replaced follows a container that was started or made anew by somebody else:
// the engine's restart policy, or a person. It is compared with how it last ran:
// what was seen in between may be half of either.
func (s *supervisor) replaced(now time.Time, before, container evidence.Container) {
	cause := "restarted"
	switch {
	case before.ID != "" && container.ID != before.ID:
		cause = "recreated"
	case container.RestartCount > before.RestartCount:
		cause = "crash"
	}
	s.log.Warn("the container was started, and not by Clawgate", "cause", cause,
		"container_id", container.ID, "started_at", container.StartedAt)
	s.report.containerStarted(cause)
	s.seen.operator = operatorWatch{} // what was done to the run before
	if cause == "crash" && s.apart(now) != "" {
		// The engine tries again what was not the server. If it is now, the probes tell.
		s.kicks.all()
		s.probeNow(now)
		return
	}
	s.met(container)
	s.symptoms.newRun()
	s.models.each((*modelRecord).containerStarted)
	s.remedy.taken = policy.Attempts{}
	if cause != "crash" { // somebody may have mended what is wrong; the engine's policy has not
		s.forgetDevices()
		s.remedy.atIdle = nil
		s.models.each(func(m *modelRecord) { m.kept = quarantine{} })
	}
	s.anew(now)
}

// met takes from a container what Clawgate adapts itself to.
func (s *supervisor) met(container evidence.Container) {
	settings := ollama.Settings(container.Env)
	slots, _ := settings.Slots()
	s.relay.SetSlots(slots)
	keepAlive, _ := settings.Duration(ollama.KeepAliveSetting, runners.UsualKeepAlive)
	s.view.ledger.SetKeepAlive(keepAlive)
}

func (s *supervisor) engineAway(now time.Time, err error) {
	s.seen.engineError = err.Error()
	if s.seen.engineAway.IsZero() {
		s.seen.engineAway = now
		s.log.Warn("the container engine cannot be asked; serving goes on, nothing can be healed", "err", err)
	}
}

func (s *supervisor) engineBack() {
	if !s.seen.engineAway.IsZero() {
		s.log.Info("the container engine answers again", "away_for", time.Since(s.seen.engineAway))
		s.seen.engineAway, s.seen.engineBack, s.seen.engineError = time.Time{}, time.Now(), ""
	}
}
