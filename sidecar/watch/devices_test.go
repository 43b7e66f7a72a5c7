package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// device is a GPU of that UUID, otherwise well.
func device(uuid string, change func(*evidence.GPU)) evidence.GPU {
	g := evidence.GPU{UUID: uuid, ProcessesKnown: true}
	if change != nil {
		change(&g)
	}
	return g
}

func isLost(g *evidence.GPU) { g.Lost = true }

func TestADeviceHasFailed(t *testing.T) {
	advised := func(a evidence.GPUAdvice) func(*evidence.GPU) { return func(g *evidence.GPU) { g.Advice = a } }
	for name, c := range map[string]struct {
		before, now func(*evidence.GPU)
		fresh       bool
		troubled    bool
	}{
		"none":                       {nil, nil, false, false},
		"one that is lost":           {nil, isLost, true, true},
		"one that is to be reset":    {nil, advised(evidence.AdviceReset), true, true},
		"not one that is advised so": {nil, advised(evidence.AdviceNone), false, false},
		"one that was known to":      {isLost, isLost, false, true},
		"one that has come back":     {isLost, nil, false, false},
	} {
		d := &Devices{}
		d.Failed(viewOf(device("a", c.before)))
		if fresh := d.Failed(viewOf(device("a", c.now), device("b", nil))); slices.Equal(fresh, []string{"a"}) != c.fresh || d.Troubled() != c.troubled {
			t.Errorf("%s: %v, troubled: %v", name, fresh, d.Troubled())
		}
	}
}

func TestSomebodyWasAtTheMachine(t *testing.T) {
	d := &Devices{Mismatch: true}
	d.Failed(viewOf(device("a", isLost)))
	d.Viewed(viewOf(), "c1")
	d.SawXid(evidence.Xid{At: now})
	if d.Forget(); d.Troubled() || d.Mismatch || d.LastKnown.Known || len(d.Xids()) > 0 {
		t.Errorf("%+v", d)
	}
}

func TestADeviceThatFailedOutlivesTheRun(t *testing.T) {
	d := &Devices{Hint: evidence.GPUFound}
	d.Failed(viewOf(device("a", isLost)))
	if d.containerStarted(); !d.Troubled() || d.Hint != evidence.GPUHintUnknown {
		t.Errorf("%+v", d)
	}
}

func TestWhatIsKeptOfAView(t *testing.T) {
	blind := evidence.GPUView{SeenAt: now, Reason: "the driver does not answer"}
	held := viewOf(gpuWith(holding(7, mib, "c1")))
	d := &Devices{}
	if d.Viewed(held, "c2"); d.OwnSeen {
		t.Error("what another holds is taken for the container's")
	}
	d.Viewed(held, "c1")
	d.Viewed(viewOf(device("a", func(g *evidence.GPU) { g.ClockReasons = new(uint64); *g.ClockReasons = evidence.ClockHardwareThermal })), "c1")
	if !d.OwnSeen || d.ThrottledSince.IsZero() || d.LastSeen().GPUs[0].UUID != "a" {
		t.Errorf("%+v", d)
	}
	d.Leak.over = now
	d.Viewed(blind, "c1")
	if !d.OwnSeen || !d.ThrottledSince.IsZero() || !d.Leak.Since().IsZero() || d.View.Known || !d.LastKnown.Known || d.LastSeen().GPUs[0].UUID != "a" {
		t.Errorf("of a view that is not to be had: %+v", d)
	}
}

func TestTheClocksAreHeldDown(t *testing.T) {
	clocks := func(at time.Duration, masks ...uint64) evidence.GPUView {
		view := evidence.GPUView{SeenAt: ago(at), Known: true}
		for _, mask := range masks {
			view.GPUs = append(view.GPUs, evidence.GPU{ClockReasons: &mask})
		}
		view.GPUs = append(view.GPUs, evidence.GPU{}) // whose driver does not tell
		return view
	}
	const idle, hot, brake = 0x1, evidence.ClockHardwareThermal, evidence.ClockPowerBrake
	for name, c := range map[string]struct {
		views []evidence.GPUView
		since time.Time
		by    []string
	}{
		"they are not":               {[]evidence.GPUView{clocks(0, idle)}, time.Time{}, nil},
		"they are":                   {[]evidence.GPUView{clocks(0, hot)}, now, []string{"hardware_thermal"}},
		"since the first view of it": {[]evidence.GPUView{clocks(time.Minute, hot), clocks(0, brake)}, ago(time.Minute), []string{"power_brake"}},
		"anew after a break":         {[]evidence.GPUView{clocks(time.Minute, hot), clocks(time.Second, idle), clocks(0, hot)}, now, []string{"hardware_thermal"}},
		"not any more":               {[]evidence.GPUView{clocks(time.Minute, hot), clocks(0, idle)}, time.Time{}, nil},
		"of two GPUs, each once":     {[]evidence.GPUView{clocks(0, hot|brake, hot)}, now, []string{"hardware_thermal", "power_brake"}},
	} {
		d := &Devices{}
		for _, view := range c.views {
			d.Viewed(view, "c1")
		}
		if !d.ThrottledSince.Equal(c.since) || !slices.Equal(d.ThrottledBy, c.by) {
			t.Errorf("%s: since %s by %v", name, d.ThrottledSince, d.ThrottledBy)
		}
	}
}

func TestAGPUIsAtWorkForTheContainer(t *testing.T) {
	busy := func(percent uint32, processes ...evidence.GPUProcess) evidence.GPUView {
		g := gpuWith(processes...)
		g.UtilizationPercent = &percent
		return viewOf(gpuWith(), g)
	}
	mine, others, hidden := holding(1, mib, "c1"), holding(2, mib, "c2"), holding(3, mib, "")
	for name, c := range map[string]struct {
		view evidence.GPUView
		want bool
	}{
		"one that it uses":              {busy(busyPercent, mine, others), true},
		"not one that hardly works":     {busy(busyPercent-1, mine), false},
		"not one of another's":          {busy(100, others), false},
		"one of which nobody tells":     {busy(100), true},
		"one whose processes hide":      {busy(100, hidden), true},
		"not if the driver tells not":   {viewOf(gpuWith(mine)), false},
		"another's, where others' hide": {busy(100, hidden, others), false},
	} {
		d := &Devices{}
		if d.Viewed(c.view, "c1"); d.WorkedAt.Equal(now) != c.want {
			t.Errorf("%s: at work at %s", name, d.WorkedAt)
		}
	}
}
