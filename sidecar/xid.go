package sidecar

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// xidReports takes the driver's errors from whoever reports them and keeps those
// that matter until the supervisor looks: a storm of them may neither drop the one
// of the device class nor keep the supervisor from its work.
type xidReports struct {
	mu     sync.Mutex
	failed map[watch.XidKind]evidence.Xid // the newest of the device class
	told   map[watch.XidKind]time.Time    // when the log was told of one last
}

// xidRepeats is how often an error that comes again and again is worth a line.
const xidRepeats = time.Minute

// add takes one error and says whether the log should have it.
func (r *xidReports) add(xid evidence.Xid, now time.Time) (tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = map[watch.XidKind]evidence.Xid{}
	}
	if r.told == nil {
		r.told = map[watch.XidKind]time.Time{}
	}
	kind := watch.XidKind{GPU: xid.GPU, Code: xid.Code}
	if xid.Class() == evidence.XidDevice {
		r.failed[kind] = xid
	}
	last, known := r.told[kind]
	if tell = !known || now.Sub(last) >= xidRepeats; tell {
		r.told[kind] = now
	}
	return tell
}

// take returns what came since it was called last, in the order in which it came.
func (r *xidReports) take() []evidence.Xid {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := slices.SortedFunc(maps.Values(r.failed), func(a, b evidence.Xid) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.GPU, b.GPU), cmp.Compare(a.Code, b.Code))
	})
	r.failed = nil
	return taken
}

// SawXid takes an error that the NVIDIA driver reported. Any goroutine may call it;
// it does not wait.
func (s *Sidecar) SawXid(xid evidence.Xid) {
	s.metrics.GPUXid(xid)
	if s.supervisor.parts.xids.add(xid, time.Now()) {
		s.log.Warn("the NVIDIA driver reported an error", "gpu", xid.GPU, "xid", xid.Code, "class", xid.Class(),
			"note", "the same one on this GPU is not logged again for a minute")
	}
	if xid.Class() == evidence.XidDevice {
		s.supervisor.tell(watch.Tick{}) // an inbox that is full wakes it as well
	}
}
