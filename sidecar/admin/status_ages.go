package admin

import "time"

// AsOf returns the status with every age computed for the moment now. The
// receiver, and what it shares with other copies, is left as it is.
func (s Status) AsOf(now time.Time) Status {
	s.At = now
	for _, seen := range []*Seen{
		&s.Probes.TCP.Seen, &s.Probes.API.Seen, &s.Probes.Ready.Seen,
		&s.Traffic.Seen, &s.Container.Seen, &s.Activity.Seen, &s.GPU.Seen,
	} {
		seen.AgeSeconds = age(seen.At, now)
	}
	if s.Symptoms.Xid != nil {
		xid := *s.Symptoms.Xid
		xid.AgeSeconds = age(xid.At, now)
		s.Symptoms.Xid = &xid
	}
	s.Traffic.OldestWaitingSeconds = age(s.Traffic.OldestWaiting, now)
	requests := make([]RequestStatus, 0, len(s.Traffic.InFlight))
	for _, request := range s.Traffic.InFlight {
		request.AgeSeconds = age(request.SentAt, now)
		request.LastChunkSeconds = age(request.LastChunkAt, now)
		requests = append(requests, request)
	}
	s.Traffic.InFlight = requests
	return s
}

// age is nil when then is unknown. A clock that was set back gives 0.
func age(then, now time.Time) *float64 {
	if then.IsZero() {
		return nil
	}
	seconds := max(0, now.Sub(then)).Round(time.Millisecond).Seconds()
	return &seconds
}
