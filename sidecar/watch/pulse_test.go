package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// reading is one at a second after now, with the given use until then.
func reading(second int, cpu time.Duration, network, disk uint64) evidence.Activity {
	return evidence.Activity{SeenAt: now.Add(time.Duration(second) * time.Second), CPU: cpu, NetTx: network, BlockRead: disk}
}

func TestAPulseTellsWorkFromRest(t *testing.T) {
	for name, c := range map[string]struct {
		after evidence.Activity // two seconds, from nothing
		works bool
	}{
		"nothing":                  {reading(2, 0, 0, 0), false},
		"the answers to probes":    {reading(2, 10*time.Millisecond, 4000, 0), false},
		"three per cent of a core": {reading(2, 60*time.Millisecond, 0, 0), true},
		"a stream to somebody":     {reading(2, 0, 2*busyNetwork, 0), true},
		"a load from disk":         {reading(2, 0, 0, 2*busyDisk), true},
		"just below each":          {reading(2, 2*busyCPU-2, 2*busyNetwork-2, 2*busyDisk-2), false},
	} {
		p := Pulse{}.Add(reading(0, 0, 0, 0)).Add(c.after)
		if still := p.StillFor(c.after.SeenAt); (still == 0) != c.works {
			t.Errorf("%s: still for %s, want work %v", name, still, c.works)
		}
		if c.works == p.LastActive().IsZero() {
			t.Errorf("%s: last active %s", name, p.LastActive())
		}
	}
}

func TestAPulseMeasuresPerSecond(t *testing.T) {
	p := Pulse{}.Add(reading(0, 0, 0, 0)).Add(reading(4, 4*time.Second, 400, 8000))
	if want := (Rate{CPU: time.Second, Network: 100, Disk: 2000}); p.Rate != want {
		t.Errorf("rate %+v, want %+v", p.Rate, want)
	}
	if p = p.Add(reading(6, 4*time.Second, 0, 8000)); p.Rate.Network != 0 { // an interface went away
		t.Errorf("network %v after its counter fell", p.Rate.Network)
	}
}

func TestStillnessHasToBeSeen(t *testing.T) {
	at := func(second int) time.Time { return reading(second, 0, 0, 0).SeenAt }
	p := Pulse{}
	if p.Known(at(0)) || p.StillFor(at(0)) != 0 {
		t.Error("known without a reading")
	}
	p = p.Add(reading(0, 0, 0, 0))
	if p.Known(at(5)) || p.StillFor(at(5)) != 0 {
		t.Error("known from one reading")
	}
	p = p.Add(reading(2, 0, 0, 0)).Add(reading(4, 0, 0, 0))
	if !p.Known(at(14)) || p.StillFor(at(14)) != 4*time.Second {
		t.Errorf("still for %s, want what the readings cover", p.StillFor(at(14)))
	}
	if p.Known(at(15)) || p.StillFor(at(15)) != 0 {
		t.Error("known from a stale reading")
	}
	if p = p.Add(reading(60, 0, 0, 0)); p.StillFor(at(60)) != time.Minute {
		t.Errorf("still for %s over a gap without activity", p.StillFor(at(60)))
	}
	if p = p.Add(reading(120, time.Minute, 0, 0)); p.StillFor(at(120)) != 0 || p.SeenAt() != at(120) {
		t.Errorf("still for %s over a gap with activity", p.StillFor(at(120)))
	}
}

func TestCountersAndClocksThatRunBackwardsBeginANewView(t *testing.T) {
	busy := Pulse{}.Add(reading(0, 0, 0, 0)).Add(reading(2, 2*time.Second, 0, 0))
	for name, odd := range map[string]evidence.Activity{
		"a container that began anew": reading(4, time.Second, 0, 0),
		"a clock set back":            reading(-3600, 3*time.Second, 0, 0),
		"the same moment twice":       reading(2, 2*time.Second, 0, 0),
	} {
		p := busy.Add(odd)
		if p.Known(odd.SeenAt) || !p.LastActive().IsZero() || p.Rate != (Rate{}) {
			t.Errorf("%s: %+v", name, p)
		}
		next := odd
		next.SeenAt = next.SeenAt.Add(2 * time.Second)
		if p = p.Add(next); p.StillFor(next.SeenAt) != 2*time.Second {
			t.Errorf("%s: still for %s after the next reading", name, p.StillFor(next.SeenAt))
		}
	}
}
