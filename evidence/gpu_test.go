package evidence

import (
	"slices"
	"testing"
)

func TestSlowdownsLeaveOutWhatIsNormal(t *testing.T) {
	for mask, want := range map[uint64][]string{
		0:           nil,
		0x01 | 0x04: nil, // idle, software power cap
		0x40:        {"hardware_thermal"},
		0xff:        {"hardware_slowdown", "software_thermal", "hardware_thermal", "power_brake"},
	} {
		if got := Slowdowns(mask); !slices.Equal(got, want) {
			t.Errorf("%#x: got %q, want %q", mask, got, want)
		}
	}
}

func TestOwnerIsKnownByContainerBeforePID(t *testing.T) {
	owner := GPUOwner{ContainerID: "a", PIDs: []int{1}}
	for process, want := range map[GPUProcess]bool{
		{PID: 9, ContainerID: "a"}: true,
		{PID: 1, ContainerID: "b"}: false, // the PID was given away
		{PID: 1}:                   true,
		{PID: 9}:                   false,
	} {
		if got := owner.Owns(process); got != want {
			t.Errorf("%+v: got %v", process, got)
		}
	}
}

func TestTheGPUsOfAContainer(t *testing.T) {
	view := GPUView{GPUs: []GPU{
		{UUID: "a", FreeBytes: 1, Processes: []GPUProcess{{ContainerID: "ours", Bytes: 10}, {ContainerID: "theirs", Bytes: 100}}},
		{UUID: "b", FreeBytes: 2, Processes: []GPUProcess{{Bytes: 1000}}}, // nobody tells whose
		{UUID: "c", FreeBytes: 4, Processes: []GPUProcess{{ContainerID: "ours", Bytes: 20}, {ContainerID: "ours", Bytes: 30}}},
	}}
	for container, want := range map[string]struct {
		gpus []string
		held uint64
	}{
		"ours": {[]string{"a", "c"}, 60}, "theirs": {[]string{"a"}, 100}, "another": {}, "": {},
	} {
		var gpus []string
		for _, g := range view.Of(container) {
			gpus = append(gpus, g.UUID)
		}
		if held := view.HeldBy(container); !slices.Equal(gpus, want.gpus) || held != want.held {
			t.Errorf("%q has %q and holds %d", container, gpus, held)
		}
	}
	if free := view.FreeBytes(); free != 7 {
		t.Errorf("%d are free", free)
	}
}

func TestWhichGPUsConcernAContainer(t *testing.T) {
	ours, theirs := []GPUProcess{{ContainerID: "ours"}}, []GPUProcess{{ContainerID: "theirs"}}
	two := GPUView{Known: true, GPUs: []GPU{{UUID: "a", Processes: ours}, {UUID: "b", Processes: theirs}}}
	unseen, one, nobodys := two, two, two
	unseen.Known, one.GPUs, nobodys.GPUs = false, two.GPUs[1:], []GPU{{UUID: "a"}, {UUID: "b", Processes: theirs}}
	for name, c := range map[string]struct {
		view GPUView
		uuid string
		want bool
	}{
		"its own":                        {two, "a", true},
		"another's":                      {two, "b", false},
		"one that is not there":          {two, "z", false},
		"one that is not named":          {two, "", true},
		"another's, if nobody can look":  {unseen, "b", true},
		"another's, if it is the only":   {one, "b", true},
		"any, if nobody tells which":     {nobodys, "b", true},
		"one that is not there, as well": {nobodys, "z", true},
	} {
		if got := c.view.Concerns("ours", c.uuid); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for i, g := range two.GPUs {
		if two.MayUse("ours", g) != (i == 0) || !nobodys.MayUse("ours", g) && i > 0 {
			t.Errorf("%s may be used: %v", g.UUID, two.MayUse("ours", g))
		}
	}
}

func TestWhatAContainerHoldsIsKnownWhole(t *testing.T) {
	whole := func(change func(*GPUView)) GPUView {
		v := GPUView{Known: true, GPUs: []GPU{
			{ProcessesKnown: true, Processes: []GPUProcess{{ContainerID: "ours", Bytes: 10, BytesKnown: true}, {ContainerID: "theirs"}}},
			{ProcessesKnown: true, Processes: []GPUProcess{{ContainerID: "ours", Bytes: 20, BytesKnown: true}}},
		}}
		change(&v)
		return v
	}
	for name, c := range map[string]struct {
		change func(*GPUView)
		owner  string
		known  bool
	}{
		"as it is":                   {func(*GPUView) {}, "ours", true},
		"of nobody":                  {func(*GPUView) {}, "", false},
		"without a view":             {func(v *GPUView) { v.Known = false }, "ours", false},
		"with a list that is hidden": {func(v *GPUView) { v.GPUs[1].ProcessesKnown = false }, "ours", false},
		"with the host's memory":     {func(v *GPUView) { v.GPUs[1].Coherent = true }, "ours", false},
		"with a GPU that is lost":    {func(v *GPUView) { v.GPUs[1].Lost = true }, "ours", false},
		"with a number that is not":  {func(v *GPUView) { v.GPUs[1].Processes[0].BytesKnown = false }, "ours", false},
	} {
		bytes, holders, known := whole(c.change).Holders(c.owner)
		if known != c.known || known && (bytes != 30 || len(holders) != 2) || !known && (bytes > 0 || holders != nil) {
			t.Errorf("%s: %d by %v, %v", name, bytes, holders, known)
		}
	}
}
