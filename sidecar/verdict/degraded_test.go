package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// late is a model whose probes have been answered late for the time d.
func late(d time.Duration) func(*Picture) {
	return func(p *Picture) {
		p.Model.Streak.Last.Late, p.Model.Streak.Last.Reason, p.Model.Streak.Last.At = true, "the first chunk came after 10s", now
		p.Model.LateSince, p.Model.Timely = ago(d), true
	}
}

func TestAModelThatAnswersAndIsNotWell(t *testing.T) {
	reload := func(words string, changes ...func(*Picture)) finding {
		return finding{picture: onCard(changes...), want: Slow, need: MendWhenQuiet, model: target, words: words}
	}
	neverQuick := func(p *Picture) { p.Model.Timely = false }
	toAClient := func(p *Picture) { p.Model.Streak.Last.Answered = false } // see sidecar's credit
	longAgo := func(p *Picture) { p.Model.Streak.Last.At = ago(time.Minute) }
	find(t, map[string]finding{
		"slow since two minutes":               reload("it used to answer in time until 2m0s ago", late(slowLasts)),
		"slow for a moment":                    healthyIs(Slow, onCard(late(slowLasts-time.Second))),
		"slow once, and not asked since":       healthyIs(Slow, onCard(late(slowLasts+30*time.Second), longAgo)),
		"slow behind other clients":            healthyIs(Slow, onCard(late(time.Hour), toAClient)),
		"slow from the start":                  healthyIs(Slow, onCard(late(time.Hour), neverQuick)),
		"slow in the heat":                     healthyIs(Throttled, onCard(late(time.Hour), throttledFor(time.Minute))),
		"slow again after it was loaded anew":  {picture: onCard(late(time.Hour)), after: []Help{QuietMoment}, want: Slow, model: target, words: "is not tried again, a person has to look"},
		"throttled":                            {picture: onCard(throttledFor(throttleLasts)), want: Throttled, words: "held down for 10s: hardware_thermal"},
		"throttled for a moment":               healthyIs(Healthy, onCard(throttledFor(throttleLasts-time.Second))),
		"with an orphan on its GPU":            {picture: onCard(leakFor(watch.LeakLasts)), want: VRAMLeak, need: MendWhenQuiet, words: "held 9000 MiB"},
		"with one since a moment":              healthyIs(Healthy, onCard(leakFor(watch.LeakLasts-time.Second))),
		"with one that a restart left":         {picture: onCard(leakFor(time.Hour)), after: []Help{QuietMoment}, want: VRAMLeak, words: "a person has to look"},
		"with one, and slow":                   {picture: onCard(leakFor(time.Hour), late(time.Hour)), want: VRAMLeak, need: MendWhenQuiet},
		"with one, while it waits":             {picture: onCard(leakFor(time.Hour), doubt), before: Judgement{Verdict: VRAMLeak, Answers: true, Need: MendWhenQuiet}, want: VRAMLeak, need: MendWhenQuiet},
		"with one that went while it waits":    {picture: onCard(doubt), before: Judgement{Verdict: VRAMLeak, Answers: true, Need: MendWhenQuiet}, want: Healthy},
		"with one, and no longer loaded":       {picture: onCard(leakFor(time.Hour), unloaded), want: VRAMLeak, need: MendWhenQuiet},
		"which a restart left, and not loaded": {picture: onCard(leakFor(time.Hour), unloaded), after: []Help{QuietMoment}, want: Unloaded, model: target},
		"not loaded, and unproven":             {picture: onCard(leakFor(time.Hour), unloaded, unread), want: Unloaded, model: target},
		"with one, and silent":                 {picture: onCard(leakFor(time.Hour), wedged), want: Wedged, need: Mend, model: target},
		"with one, while the engine is away":   {picture: onCard(leakFor(time.Hour), engineAway), want: EngineAway},
		"slow, while the engine is away":       {picture: onCard(late(time.Hour), engineAway), want: EngineAway},
	})
}

func TestWhatHadNoRemedyIsNotSaidToHaveHadOne(t *testing.T) {
	for name, p := range map[string]Picture{
		"heat": onCard(throttledFor(time.Minute)),
		"a model that is meant to be on the CPU, and a leak": onCard(leakFor(time.Hour), sizeVRAM(0), view(gpuWith()),
			func(p *Picture) { p.Model.BestRatio, p.Model.UsedThisRun, p.Devices.OwnSeen = 0, false, false }),
	} {
		if got := Judge(p, Judgement{}).once(QuietMoment); strings.Contains(got.Sentence, "again") || got.Need != Nothing {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestNoProofOutlivesARestart(t *testing.T) {
	for _, v := range []Verdict{GPULost, CPUFallback, VRAMLeak, Throttled, HostAction, Overloaded} {
		got := Judge(picture(unread), Judgement{Verdict: v, Answers: true, Need: MendWhenQuiet})
		if got.Verdict != Unproven || got.Answers {
			t.Errorf("%s: %+v", v, got)
		}
	}
}
