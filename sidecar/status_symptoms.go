package sidecar

import (
	"time"

	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// symptomsStatus shows what the verdict may rest on beside probes and traffic.
func symptomsStatus(seen *watch.State) admin.SymptomsStatus {
	known, of := &seen.Devices, seen.Models.Get(seen.Focus)
	crashes := of.Crashes.Times()
	shown := admin.SymptomsStatus{
		GPULog: string(known.Hint), TokensPerSecond: of.Pace.Usual(),
		ThrottledSince: known.ThrottledSince, ThrottledBy: known.ThrottledBy,
		UnaccountedBytes: known.Leak.Bytes(), UnaccountedSince: known.Leak.Since(),
		Crashes: len(crashes), LastCrash: last(crashes), CrashDetail: of.Crashes.Detail,
		NoRoom: of.NoRoom.Len(), LastNoRoom: of.NoRoom.Newest(),
		Refused: seen.Refused.Count, LastRefused: seen.Refused.Last,
		Hollow: of.Hollow.Answers, ClockJumped: seen.ClockJumpedAt, EngineError: seen.Container.EngineError,
	}
	if xids := known.Xids(); len(xids) > 0 {
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
