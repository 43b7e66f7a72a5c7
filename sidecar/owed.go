package sidecar

import (
	"errors"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/recovery"
)

// sentStop is a stop of ours that the engine may have taken and that failed. It
// may take effect all the same (moby#22802: the engine gives up on a process that
// the driver holds).
type sentStop struct {
	run  evidence.Identity
	ends time.Time // until when the engine itself may go on with it
	told time.Time // when the engine said that it gave up: no later signal is ours; zero if it did not
}

// cameLate says that the container ended in the very run that was to be stopped.
func (s sentStop) cameLate(c evidence.Container) bool {
	return s.run.ID != "" && c.Status == evidence.Exited && c.Equal(s.run)
}

// owesStart says that the container is down because of Clawgate: it stopped it and
// did not start it again, or its stop took effect after it was given up and no
// person's was seen since. What is owed is done whatever the budget says.
func (s *supervisor) owesStart(c evidence.Container) bool {
	intent, pending := s.journal.Pending()
	stopped := pending && c.Status == evidence.Exited && c.Equal(intent.Container)
	return (stopped || s.remedy.stop.cameLate(c)) && !s.seen.operator.ended(c)
}

// ownStop says that a signal at that time may be Clawgate's: a stop that it, or
// the Clawgate before it, did not live to see the end of.
func (s *supervisor) ownStop(at time.Time) bool {
	intent, pending := s.journal.Pending()
	switch {
	case !s.remedy.stop.told.IsZero() && at.After(s.remedy.stop.told) && (!pending || intent.Container.Equal(s.remedy.stop.run)):
		return false
	case pending && intent.Stops(at):
		return true
	}
	return at.Before(s.remedy.stop.ends)
}

// dropIntent closes a restart that was begun, unless that left the container down,
// or its stop may yet take effect: the engine is at it, or gave up on a process that
// the driver holds, and the model has not answered since. Else somebody has started or
// replaced it.
func (s *supervisor) dropIntent(now time.Time, c evidence.Container) {
	intent, pending := s.journal.Pending()
	if !pending {
		return
	}
	silent := intent.StopTakes > 0 && !s.focus().token.After(intent.At.Add(intent.StopTakes))
	if c.Equal(intent.Container) && (c.Status == evidence.Exited || intent.Stops(now) || silent) {
		return
	}
	s.log.Info("an earlier restart needs no more", "begun_at", intent.At, "container_status", c.Status)
	s.disown()
}

// saveJournal writes to a disk that may hang, so that no loop may wait for it.
func (s *supervisor) saveJournal() {
	if err := s.journal.Save(); err != nil {
		s.log.Warn("cannot write the recovery journal; the budget would not survive a crash", "err", err)
	}
}

// noteStop remembers a stop that failed after the engine may have taken it.
func (r *remedyState) noteStop(run evidence.Identity, report recovery.Report, now time.Time) {
	if report.StopSent && report.Err != nil && !errors.Is(report.Err, evidence.ErrChanged) {
		r.stop = sentStop{run: run, ends: now.Add(evidence.StopGrace)}
		if errors.Is(report.Err, evidence.ErrWontDie) {
			r.stop.told = now
		}
	}
}

// sawToken: who was killed does not answer, so that a stop which failed will have no
// effect any more.
func (s *supervisor) sawToken(at time.Time) {
	s.focus().token = at
	told := !s.remedy.stop.told.IsZero()
	if intent, pending := s.journal.Pending(); told && pending && intent.Container.Equal(s.remedy.stop.run) {
		s.disown()
	}
	if told || at.After(s.remedy.stop.ends) {
		s.remedy.stop = sentStop{}
	}
}

// disown drops an open intent: somebody else decides about the container now, and a
// successor has to know that as well.
func (s *supervisor) disown() {
	if _, pending := s.journal.Pending(); pending {
		s.journal.Forget()
		s.workers.Go(s.saveJournal)
	}
}
