package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestWhatSpeaksAgainstALoad(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	gpu := verdict.Judgement{Verdict: verdict.HostAction, Need: verdict.Reload}
	for name, c := range map[string]struct {
		m    Machine
		view LoadView
		want Hold
	}{
		"nothing":                         {Machine{State: Starting}, LoadView{}, ""},
		"after a remedy":                  {Machine{State: Verifying}, LoadView{}, ""},
		"while Clawgate only watches":     {Machine{State: Loading, Passive: true}, LoadView{}, OnlyWatching},
		"but not after a person's remedy": {Machine{State: Verifying, Passive: true}, LoadView{}, ""},
		"a load of it":                    {Machine{State: Loading}, LoadView{Loading: true}, UnderWay},
		"a pull of it":                    {Machine{State: Loading}, LoadView{Pulling: true}, UnderWay},
		"a load that failed":              {Machine{State: Loading}, LoadView{NotBefore: now.Add(time.Second)}, Resting},
		"one that failed before":          {Machine{State: Loading}, LoadView{NotBefore: now}, ""},
		"nobody knows what Ollama has":    {Machine{State: Loading}, LoadView{Listed: false}, NotListed},
		"another load":                    {Machine{State: Loading}, LoadView{LoadingOther: true}, Superseded},

		"it is there and beyond help":          {Machine{State: Exhausted}, LoadView{InMemory: true}, InMemory},
		"it is not, and beyond help":           {Machine{State: Exhausted}, LoadView{Tried: ago(time.Second)}, ""},
		"beyond help, beside another":          {Machine{State: Exhausted}, LoadView{Tried: ago(time.Second), OthersUsed: true}, InTheWay},
		"beyond help, where there is room":     {Machine{State: Exhausted}, LoadView{Tried: ago(time.Second), OthersUsed: true, Fits: true}, ""},
		"beyond help, and not tried for long":  {Machine{State: Exhausted}, LoadView{Tried: ago(FruitlessLoad), OthersUsed: true}, ""},
		"its GPU is in question":               {Machine{State: Loading}, LoadView{Judgement: gpu, GPUDoubted: ago(time.Second)}, ""},
		"that, beside another":                 {Machine{State: Loading}, LoadView{Judgement: gpu, GPUDoubted: ago(time.Second), OthersUsed: true}, InTheWay},
		"that, and a client asked since":       {Machine{State: Loading}, LoadView{Judgement: gpu, GPUDoubted: ago(time.Second), Wanted: now, OthersUsed: true}, ""},
		"that, and a client had asked before":  {Machine{State: Loading}, LoadView{Judgement: gpu, GPUDoubted: ago(time.Second), Wanted: ago(time.Minute), OthersUsed: true}, InTheWay},
		"that, for long":                       {Machine{State: Loading}, LoadView{Judgement: gpu, GPUDoubted: ago(FruitlessLoad), OthersUsed: true}, ""},
		"another in use, and nothing in doubt": {Machine{State: Loading}, LoadView{OthersUsed: true}, ""},

		"ready, and not pinned":             {Machine{State: Ready}, LoadView{}, Unwanted},
		"ready and pinned":                  {Machine{State: Ready}, LoadView{Pinned: true}, ""},
		"ready, and somebody is served":     {Machine{State: Ready}, LoadView{Pinned: true, Traffic: true}, Unwanted},
		"ready, and another was used":       {Machine{State: Ready}, LoadView{Pinned: true, AnyLoaded: true, LastTraffic: ago(OthersIdle)}, InTheWay},
		"ready, and another rests":          {Machine{State: Ready}, LoadView{Pinned: true, AnyLoaded: true, LastTraffic: ago(OthersIdle + 1)}, ""},
		"ready and in doubt":                {Machine{State: Ready}, LoadView{Unclear: true, Traffic: true}, ""},
		"ready and in doubt beside another": {Machine{State: Ready}, LoadView{Unclear: true, OthersUsed: true}, InTheWay},
		"ready, in doubt, and it fits":      {Machine{State: Ready}, LoadView{Unclear: true, OthersUsed: true, Fits: true}, ""},
	} {
		c.view.Now = now
		if name != "nobody knows what Ollama has" {
			c.view.Listed = true
		}
		if got := HoldLoad(c.m, c.view); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
