package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// A look that tells nothing any more is taken anew, but for one of a server that has ended
// meanwhile: nothing of that is compared with what comes.
func TestALookThatIsOutdated(t *testing.T) {
	now := time.Now()
	run := func(startedAt time.Time) watch.Inspected {
		return watch.Inspected{Asked: now, Container: evidence.Container{
			Identity: evidence.Identity{ID: "a", StartedAt: startedAt}, Status: evidence.Running,
		}}
	}
	for name, c := range map[string]struct {
		seen watch.Observation
		want bool
	}{
		"in the same run of the server": {run(now), true},
		"of the run before":             {run(now.Add(time.Second)), false},
	} {
		k := looking()
		k.settings.FailureThreshold = 3
		k.Turn(now, Inputs{}, run(now))
		acts := k.Turn(now.Add(time.Second), Inputs{LookOutdated: true}, c.seen)
		looks := slices.ContainsFunc(acts, func(act Act) bool { _, is := act.(LookAtProcesses); return is })
		if looks != c.want {
			t.Errorf("%s: it looks: %v", name, looks)
		}
	}
}
