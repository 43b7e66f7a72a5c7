package sidecar

import (
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// symptomsStatus shows what the verdict may rest on beside probes and traffic.
func (s *supervisor) symptomsStatus() admin.SymptomsStatus {
	known, of := s.symptoms, s.focus()
	crashes := of.crashes.times()
	shown := admin.SymptomsStatus{
		GPULog: string(known.hint), TokensPerSecond: of.pace.Usual(),
		ThrottledSince: known.throttledSince, ThrottledBy: known.throttledBy,
		UnaccountedBytes: known.leak.Bytes(), UnaccountedSince: known.leak.Since(),
		Crashes: len(crashes), LastCrash: last(crashes), CrashDetail: of.crashes.detail,
		NoRoom: len(of.noRoom.list), LastNoRoom: of.noRoom.newest().at,
		Refused: known.refused.Count, LastRefused: known.refused.Last,
		Hollow: of.hollow.answers, ClockJumped: s.clock.jumpedAt, EngineError: s.seen.engineError,
	}
	if xids := known.deviceXids(); len(xids) > 0 {
		newest := xids[len(xids)-1]
		shown.Xid = &admin.XidStatus{Seen: admin.Seen{At: newest.At}, Code: newest.Code, GPU: newest.GPU}
	}
	return shown
}

func last(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	return times[len(times)-1]
}

// dueStatus shows a remedy that waits, or that would be taken if Clawgate did
// not only watch.
func (s *supervisor) dueStatus() *admin.RemedyStatus {
	switch {
	case s.machine.Draining:
		waits := "streams that move"
		if s.machine.Passive && !s.machine.Forced {
			waits = onlyWatches
		}
		return &admin.RemedyStatus{Rung: string(s.machine.Rung), Reason: s.remedy.sentence, Since: s.remedy.drainFrom, Waits: waits}
	case s.quiet.verdict != "" && s.judgement.Need == verdict.MendWhenQuiet:
		waits := "a quiet moment"
		if s.quiet.told {
			waits = onlyWatches
		}
		return &admin.RemedyStatus{Rung: string(quietRung(s.judgement)), Reason: s.judgement.Sentence, Since: s.quiet.since, Waits: waits}
	}
	return nil
}

const onlyWatches = "nothing: Clawgate only watches"

func (s *supervisor) quarantineStatus(now time.Time) []admin.QuarantineStatus {
	var shown []admin.QuarantineStatus
	for model, of := range s.models.named {
		if q := of.kept; now.Before(q.until) {
			shown = append(shown, admin.QuarantineStatus{Model: model, Until: q.until, Reason: q.reason})
		}
	}
	slices.SortFunc(shown, func(a, b admin.QuarantineStatus) int { return strings.Compare(a.Model, b.Model) })
	return shown
}
