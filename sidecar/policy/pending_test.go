package policy

import (
	"testing"
	"time"
)

func TestForHowLongAStopMayTake(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	intent := Intent{At: noon, StopTakes: time.Minute}
	for at, want := range map[time.Duration]bool{-clocksDiffer: false, 1 - clocksDiffer: true, 0: true, time.Minute - 1: true, time.Minute: false, time.Hour: false} {
		if got := intent.stops(noon.Add(at)); got != want {
			t.Errorf("%s after it began: %v", at, got)
		}
	}
}
