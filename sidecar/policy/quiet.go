package policy

import "time"

// QuietFor is how long no request has to have come for a moment to be quiet.
const QuietFor = 30 * time.Second

// QuietView is what tells whether a remedy that can wait may be taken now.
type QuietView struct {
	Now, Since time.Time // since when it waits
	// Longest is how long it waits for a quiet moment. Then new requests are held, and
	// those that move are let finish.
	Longest     time.Duration
	InFlight    int       // requests that have been sent to Ollama
	Waiting     int       // requests that wait for their turn
	LastTraffic time.Time // the last first chunk of any request
	// Seen says that the container's activity is known, Rests that it and its GPU have
	// been still for long enough. Who bypasses Clawgate shows in nothing else.
	Seen, Rests bool
	// Outlasts says that a stream has moved for so long that a drain would not see
	// its end.
	Outlasts bool
}

// Quiet says that nobody would notice a remedy, or that it has waited for long enough. A
// client that bypasses Clawgate is waited for without end: nobody could let it finish. So
// is a stream that a drain would not see the end of.
func Quiet(v QuietView) bool {
	alone := v.InFlight == 0 && v.Waiting == 0
	if alone && v.Rests && v.Now.Sub(v.LastTraffic) >= QuietFor {
		return true
	}
	return v.Now.Sub(v.Since) >= v.Longest && v.Seen && (v.Rests || !alone) && !v.Outlasts
}
