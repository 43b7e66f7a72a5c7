package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// XidKind is one kind of error on one GPU.
type XidKind struct {
	GPU  string
	Code uint64
}

// xidEpisode: an error of a kind that has not come for that long is a new one. Until
// then the answers that the model gave after the first are what tells.
const xidEpisode = 10 * time.Minute

// deviceXid is one kind of error of the device class on one GPU.
type deviceXid struct {
	first evidence.Xid // of the present episode
	last  time.Time
}

// SawXid takes an error of the device class, and says whether it is news.
func (d *Devices) SawXid(xid evidence.Xid) bool {
	kind := XidKind{xid.GPU, xid.Code}
	known, again := d.xids[kind]
	if again && xid.At.Sub(known.last) < xidEpisode {
		known.last = xid.At
		d.xids[kind] = known
		return false
	}
	if d.xids == nil {
		d.xids = map[XidKind]deviceXid{}
	}
	d.xids[kind] = deviceXid{first: xid, last: xid.At}
	return true
}

// Xids are the errors of the present run, oldest first.
func (d *Devices) Xids() []evidence.Xid {
	var xids []evidence.Xid
	for _, known := range d.xids {
		xids = append(xids, known.first)
	}
	slices.SortFunc(xids, func(a, b evidence.Xid) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.GPU, b.GPU), cmp.Compare(a.Code, b.Code))
	})
	return xids
}
