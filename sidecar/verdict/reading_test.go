package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// An engine that is slow to answer gives old readings: an idle server was still
// before a probe was sent, and that says nothing about what it does since.
func TestStillnessBeforeTheProbeIsNoEvidence(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var idle watch.Pulse
	for at := began.Add(-20 * time.Second); !at.After(began); at = at.Add(2 * time.Second) {
		idle = idle.Add(evidence.Activity{SeenAt: at, CPU: time.Second})
	}
	for _, test := range []struct {
		name string
		next time.Duration // from the probe to the newest reading, 0 for none since
		cpu  time.Duration // used in between
		want evidence.Outcome
	}{
		{"no reading since", 0, 0, evidence.Unknown},
		{"a reading too soon", time.Second, 0, evidence.Unknown},
		{"still all the while", 3 * time.Second, 0, evidence.Failure},
		{"worked all the while", 3 * time.Second, time.Second, evidence.Unknown},
	} {
		picture := Picture{
			Moment: Moment{Now: began.Add(4 * time.Second), Limit: Limits{FirstChunk: 3 * time.Second}}, Server: watch.Server{Pulse: idle},
		}
		if test.next > 0 {
			picture.Server.Pulse = idle.Add(evidence.Activity{SeenAt: began.Add(test.next), CPU: time.Second + test.cpu})
		}
		if got := Silence(picture, began, "a first chunk"); got.Outcome != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, got.Outcome, got.Reason, test.want)
		}
	}
}
