package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// A host process that waits for its GPU may use next to no CPU.
func TestAWorkingGPUIsNoStillServer(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var still watch.Pulse
	for at := began.Add(-10 * time.Second); at.Before(began.Add(6 * time.Second)); at = at.Add(2 * time.Second) {
		still = still.Add(evidence.Activity{SeenAt: at, CPU: time.Second})
	}
	for _, test := range []struct {
		name   string
		active time.Time
		want   evidence.Outcome
		after  time.Duration // of the probe's wait
	}{
		{"no view of the GPUs", time.Time{}, evidence.Failure, 5 * time.Second},
		{"worked before the probe only", began.Add(-time.Second), evidence.Failure, 5 * time.Second},
		{"works while the probe waits", began.Add(3 * time.Second), evidence.Unknown, 5 * time.Second},
		{"worked when the probe began to wait", began.Add(time.Second), evidence.Failure, 7500 * time.Millisecond},
	} {
		picture := Picture{Moment: Moment{Now: began.Add(test.after), Limit: Limits{FirstChunk: 3 * time.Second}}}
		picture.Server.Pulse, picture.Devices.WorkedAt = still, test.active
		if got := Silence(picture, began, "a first chunk"); got.Outcome != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, got.Outcome, got.Reason, test.want)
		}
	}
}

// A runner that spins gets its long budget once; the attempts that confirm it
// need not wait as long again.
func TestASpinningServerIsConfirmedSoon(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	picture := Picture{Moment: Moment{Now: began.Add(spinBudget), Limit: Limits{FirstChunk: 3 * time.Second, FailureThreshold: 3}}}
	picture.Traffic.InFlight = []evidence.Request{{SentAt: began, Streaming: true}}
	var busy watch.Pulse
	for at := began; !at.After(picture.Now.Add(time.Hour)); at = at.Add(2 * time.Second) {
		busy = busy.Add(evidence.Activity{SeenAt: at, CPU: at.Sub(began)})
		if at.Equal(picture.Now) || at.Equal(picture.Now.Add(blindWait)) {
			picture.Server.Pulse = busy
			attempt := began
			if picture.Model.Streak.Failures > 0 {
				attempt = began.Add(spinBudget)
			}
			now := picture
			now.Now = at
			result := Silence(now, attempt, "a first chunk")
			if result.Outcome != evidence.Failure || !result.Spun {
				t.Fatalf("%s after the beginning: %+v, want a failure that says that it spins", at.Sub(began), result)
			}
			picture.Model.Streak = picture.Model.Streak.Add(result)
		}
	}
	picture.Now, picture.Model.Streak.Failures = picture.Now.Add(2*blindWait), 3
	picture.Server.Pulse = busy
	if got := Judge(picture, Judgement{}); got.Verdict != Wedged || !got.Need.Remedy() {
		t.Errorf("three such failures are judged %s (due %t): %s", got.Verdict, got.Need.Remedy(), got.Sentence)
	}
}
