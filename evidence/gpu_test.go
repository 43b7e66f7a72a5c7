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
