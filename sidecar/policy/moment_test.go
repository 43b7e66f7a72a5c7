package policy

import (
	"reflect"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestWhatAMomentTells(t *testing.T) {
	usual := verdict.Moment{
		Now: now, ContainerName: "ollama",
		Limit: verdict.Limits{FailureThreshold: 3, SuccessThreshold: 1, FirstChunk: 3 * time.Second, LoadStall: 10 * time.Minute},
	}
	owes := func(m *verdict.Moment) { m.Unfinished = true }
	offGPU := func(m *verdict.Moment) { m.OffGPU = true }
	same := func(*verdict.Moment) {}
	for name, c := range map[string]struct {
		given  []given
		change func(*verdict.Moment)
	}{
		"nothing":                    {nil, same},
		"clients":                    {[]given{inFlight(asking(otherOne, 0))}, func(m *verdict.Moment) { m.Traffic.InFlight = []evidence.Request{asking(otherOne, 0)} }},
		"a start that is owed":       {[]given{owed}, owes},
		"a load":                     {[]given{beingLoaded(mainOne)}, func(m *verdict.Moment) { m.LoadSince = ago(time.Minute) }},
		"a load of what it looks at": {[]given{aside, beingLoaded(otherOne)}, func(m *verdict.Moment) { m.LoadSince = ago(time.Minute) }},
		"not one of another":         {[]given{beingLoaded(otherOne)}, same},
		"a pull":                     {[]given{pulls, func(k *Keeper) { k.pull.status = "half" }}, func(m *verdict.Moment) { m.PullSince, m.PullStatus = ago(time.Minute), "half" }},
		"a wish of the settings":     {[]given{func(k *Keeper) { k.settings.OffGPU = true }}, offGPU},
		"a wish of a client's":       {[]given{func(k *Keeper) { k.turn.OffGPU = []string{otherOne, mainOne} }}, offGPU},
		"not one for another model":  {[]given{func(k *Keeper) { k.turn.OffGPU = []string{otherOne} }}, same},
		"one for what it looks at":   {[]given{aside, func(k *Keeper) { k.turn.OffGPU = []string{otherOne} }}, offGPU},
	} {
		want := usual
		c.change(&want)
		if got := serving(c.given...).moment(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, want)
		}
	}
}
