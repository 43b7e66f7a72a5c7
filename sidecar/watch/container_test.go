package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestTheEngineGoesAndComesBack(t *testing.T) {
	c := &Container{}
	if away := c.EngineAnswered(ago(time.Hour)); away != 0 || !c.EngineBack.IsZero() {
		t.Errorf("one that was never away is back after %s", away)
	}
	if !c.EngineFailed(ago(time.Minute), "no socket") || c.EngineFailed(now, "no answer") {
		t.Error("that it is away is news not once")
	}
	if !c.EngineAway.Equal(ago(time.Minute)) || c.EngineError != "no answer" {
		t.Errorf("%+v", c)
	}
	if away := c.EngineAnswered(now); away != time.Minute || !c.EngineBack.Equal(now) || !c.EngineAway.IsZero() || c.EngineError != "" {
		t.Errorf("it is back after %s: %+v", away, c)
	}
}

func TestSinceWhenTheContainerIsGone(t *testing.T) {
	ended := func(status evidence.Status, d time.Duration) evidence.Container {
		return evidence.Container{Status: status, FinishedAt: ago(d)}
	}
	running, never := evidence.Container{Status: evidence.Running}, evidence.Container{Status: evidence.Created}
	paused := ended(evidence.Paused, time.Hour)
	for name, c := range map[string]struct {
		seen []evidence.Container // one a second, the last one now
		want time.Time
	}{
		"it runs":                              {[]evidence.Container{running}, time.Time{}},
		"it ended":                             {[]evidence.Container{running, ended(evidence.Exited, time.Minute)}, ago(time.Minute)},
		"it ended, by a clock that runs ahead": {[]evidence.Container{ended(evidence.Exited, -time.Minute)}, now},
		"it never ran":                         {[]evidence.Container{never}, now},
		"it never ran, as was seen before":     {[]evidence.Container{never, never}, ago(second)},
		"it runs again":                        {[]evidence.Container{ended(evidence.Exited, time.Minute), running}, time.Time{}},
		"it ended once more":                   {[]evidence.Container{ended(evidence.Exited, time.Hour), running, ended(evidence.Exited, 0)}, now},
		"it is paused":                         {[]evidence.Container{running, paused}, ago(time.Hour)},
		"it stays paused":                      {[]evidence.Container{never, paused, paused}, ago(2 * second)},
		"its pause has become an end":          {[]evidence.Container{paused, ended(evidence.Exited, time.Minute)}, ago(time.Minute)},
		"its end has become another":           {[]evidence.Container{ended(evidence.Exited, time.Hour), ended(evidence.Dead, 0)}, ago(time.Hour)},
	} {
		k := &Container{}
		for i, seen := range c.seen {
			k.Inspected(seen, ago(second*time.Duration(len(c.seen)-1-i)))
		}
		if !k.GoneSince.Equal(c.want) || !k.Known || k.Seen.Status != c.seen[len(c.seen)-1].Status {
			t.Errorf("%s: since %s", name, k.GoneSince)
		}
	}
}

func TestHowTheContainerLastRan(t *testing.T) {
	c := &Container{}
	c.Inspected(up, now)
	if c.Inspected(ran("c1", 0, evidence.Exited), now); !c.Ran.Equal(up.Identity) || c.Ran.Status != evidence.Running {
		t.Errorf("%+v", c.Ran)
	}
}
