package sidecar

import (
	"slices"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// xidReports takes the driver's errors from whoever reports them and keeps those
// that matter until the supervisor looks: a storm of them may neither drop the one
// of the device class nor keep the supervisor from its work.
type xidReports struct {
	mu     sync.Mutex
	failed map[xidKind]evidence.Xid // the newest of the device class
	told   map[xidKind]time.Time    // when the log was told of one last
}

type xidKind struct {
	gpu  string
	code uint64
}

// xidRepeats is how often an error that comes again and again is worth a line.
const xidRepeats = time.Minute

// add takes one error and says whether the log should have it.
func (r *xidReports) add(xid evidence.Xid, now time.Time) (tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = map[xidKind]evidence.Xid{}
	}
	if r.told == nil {
		r.told = map[xidKind]time.Time{}
	}
	kind := xidKind{xid.GPU, xid.Code}
	if xid.Class() == evidence.XidDevice {
		r.failed[kind] = xid
	}
	last, known := r.told[kind]
	if tell = !known || now.Sub(last) >= xidRepeats; tell {
		r.told[kind] = now
	}
	return tell
}

// take returns what came since it was called last.
func (r *xidReports) take() map[xidKind]evidence.Xid {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.failed
	r.failed = nil
	return taken
}

// SawXid takes an error that the NVIDIA driver reported. Any goroutine may call it;
// it does not wait.
func (s *Sidecar) SawXid(xid evidence.Xid) {
	s.metrics.GPUXid(xid)
	if s.supervisor.xids.add(xid, time.Now()) {
		s.log.Warn("the NVIDIA driver reported an error", "gpu", xid.GPU, "xid", xid.Code, "class", xid.Class(),
			"note", "the same one on this GPU is not logged again for a minute")
	}
	if xid.Class() == evidence.XidDevice {
		s.supervisor.tell(func() {}) // an inbox that is full wakes it as well
	}
}

// xidEpisode: an error of a kind that has not come for that long is a new one. Until
// then the answers that the model gave after the first are what tells.
const xidEpisode = 10 * time.Minute

// deviceXid is one kind of error of the device class on one GPU.
type deviceXid struct {
	first evidence.Xid // of the present episode
	last  time.Time
}

// sawXids looks at what was reported. An error of a GPU that the container does not
// use is another's, and one of the application class shows by what it does to the
// program (docs/faults.md, F16).
func (s *supervisor) sawXids(now time.Time) {
	for kind, xid := range s.xids.take() {
		if concerns(s.seen.gpu, s.seen.container.ID, kind.gpu) && s.symptoms.sawXid(xid) {
			s.doubtDevice(now)
		}
	}
}

// sawXid says whether an error is news.
func (s *symptoms) sawXid(xid evidence.Xid) bool {
	kind := xidKind{xid.GPU, xid.Code}
	known, again := s.xids[kind]
	if again && xid.At.Sub(known.last) < xidEpisode {
		known.last = xid.At
		s.xids[kind] = known
		return false
	}
	if s.xids == nil {
		s.xids = map[xidKind]deviceXid{}
	}
	s.xids[kind] = deviceXid{first: xid, last: xid.At}
	return true
}

// deviceXids are the errors of the present run, oldest first.
func (s *symptoms) deviceXids() []evidence.Xid {
	var xids []evidence.Xid
	for _, known := range s.xids {
		xids = append(xids, known.first)
	}
	slices.SortFunc(xids, func(a, b evidence.Xid) int { return a.At.Compare(b.At) })
	return xids
}
