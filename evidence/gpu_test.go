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
