package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAGPUThatTheDriverGaveUp(t *testing.T) {
	silent := func(failures int) func(*Picture) { return ready(failures, time.Minute, evidence.ProbeResult{}) }
	odd := api(9, time.Hour, evidence.ProbeResult{Answered: true, Missing: true})
	find(t, map[string]finding{
		"serves as long as the model answers":    {picture: onCard(xid(79, "")), want: HostAction, words: "Xid 79 on the GPU 1m0s ago; the model still answers; look at the host"},
		"with the driver's advice":               {picture: onCard(xid(95, evidence.AdviceReset)), want: HostAction, words: "the driver's own advice: reset"},
		"with an advice that nobody knows":       {picture: onCard(xid(95, evidence.AdviceOther)), want: HostAction, words: "look at the host"},
		"is told by the driver without an Xid":   {picture: onCard(lost), want: HostAction, words: "has lost GPU 0 (a card)"},
		"before anything was asked":              {picture: onCard(lost, unread), want: HostAction, words: "being looked at"},
		"once a probe fails":                     {picture: onCard(lost, silent(1)), want: HostAction, words: "being looked at"},
		"when the model is silent":               {picture: onCard(lost, silent(3)), want: HostAction, need: Person, words: "the model does not answer"},
		"when the server is silent":              {picture: onCard(lost, api(3, time.Minute, evidence.ProbeResult{})), want: HostAction, need: Person},
		"when the API only answers oddly":        {picture: onCard(lost, odd), want: HostAction, words: "still answers"},
		"when the name leads nowhere":            {picture: onCard(lost, api(9, time.Hour, evidence.ProbeResult{Unresolved: true})), want: HostAction, words: "still answers"},
		"even where it needs nothing":            {picture: onCard(xid(119, evidence.AdviceNone)), want: HostAction, words: "still answers"},
		"and needs nothing: one restart":         {picture: onCard(xid(119, evidence.AdviceNone), silent(3)), want: Wedged, need: Mend, model: target},
		"and the restart did not help":           {picture: onCard(xid(119, evidence.AdviceNone), silent(3)), after: []Help{Restart}, want: HostAction, need: Person},
		"said that before the Xid":               {picture: onCard(xid(119, evidence.AdviceNone), silent(3), func(p *Picture) { p.Devices.View.SeenAt = ago(61 * time.Second) }), want: HostAction, need: Person},
		"and needs nothing, but is lost":         {picture: onCard(view(evidence.GPU{UUID: "GPU-1", Lost: true, Advice: evidence.AdviceNone}), silent(3)), want: HostAction, need: Person},
		"while the model is loaded":              {picture: onCard(lost, unread, ourLoadFor(time.Minute)), want: HostAction, need: Reload, words: "being loaded, and has to answer"},
		"while a load stands still":              {picture: onCard(lost, unread, ourLoadFor(time.Hour)), want: Wedged, need: Mend, model: target},
		"while the server is silent over a load": {picture: onCard(lost, unread, ourLoadFor(time.Minute), api(3, time.Minute, evidence.ProbeResult{})), want: Wedged, need: Mend},
		"when the model has left memory":         {picture: onCard(lost, unread, unloaded), want: HostAction, need: Reload, words: "not in memory, and has to answer"},
		"when it answered and left memory":       {picture: onCard(lost, unloaded), want: Unloaded, model: target},
		"when it answered and is loaded anew":    {picture: onCard(lost, ourLoadFor(time.Minute)), want: Loading, model: target},
		"when its runner died of it":             {picture: onCard(lost, crashes(1)), want: Crashed, model: target},
		"when there is no room any more":         {picture: onCard(lost, noRoom(1)), want: OutOfMemory, model: target},
		"while it is another model's":            {picture: onCard(lost, wedged, func(p *Picture) { p.Main = "another:latest" }), want: Wedged, need: Mend, model: target},
		"and whose view went away after it":      {picture: onCard(noView, func(p *Picture) { p.Devices.LastKnown = viewOf(evidence.GPU{Name: "a card", Lost: true}) }), want: HostAction, words: "has lost GPU 0 (a card)"},
		"by its advice alone":                    {picture: onCard(advised(evidence.AdviceReboot)), want: HostAction, words: "not content with GPU 0 (a card); the model still answers; the driver's own advice: reboot"},
		"by an advice for another's GPU":         {picture: onCard(view(gpuWith(holding(1, modelSize, "c1")), wanting(evidence.AdviceReset))), want: Healthy},
		"by an advice that nothing needs":        {picture: onCard(advised(evidence.AdviceNone)), want: Healthy},
		"by one that is only of its peers":       {picture: onCard(advised(evidence.AdviceDrain)), want: Healthy},
		"while the list of models is slow":       {picture: onCard(lost, api(9, time.Minute, evidence.ProbeResult{}), pulse(working())), want: HostAction, words: "still answers"},
		"beside a container without a GPU":       {picture: picture(lost, wedged), want: Wedged, need: Mend, model: target},
		"under one that got it otherwise":        {picture: picture(lost, func(p *Picture) { p.Devices.OwnSeen = true }), want: HostAction, words: "lost GPU"},
		"after an Xid beside a container of it":  {picture: picture(xid(79, ""), wedged), want: Wedged, need: Mend, model: target},
		"after a person's act":                   {picture: onCard(lost, wedged, func(p *Picture) { p.OperatorAct = "was paused by hand" }), want: Stopped},
		"and whose view is not to be had":        {picture: onCard(noView), want: Healthy},
	})
}

func wanting(advice evidence.GPUAdvice) evidence.GPU {
	g := gpuWith()
	g.UUID, g.Advice = "GPU-2", advice
	return g
}

func advised(advice evidence.GPUAdvice) func(*Picture) {
	g := gpuWith(holding(1, modelSize, "c1"))
	g.Advice = advice
	return view(g)
}

// One GPU needs nothing, and another a reboot: no restart, whichever came last.
func TestAMilderXidDoesNotHideAWorseOne(t *testing.T) {
	for _, order := range [][]string{{"GPU-1", "GPU-2"}, {"GPU-2", "GPU-1"}} {
		mild := gpuWith(holding(1, modelSize, "c1"))
		mild.Advice = evidence.AdviceNone
		p := onCard(view(mild, wanting(evidence.AdviceReboot)), func(p *Picture) {
			for _, gpu := range order {
				p.Devices.SawXid(evidence.Xid{At: ago(time.Minute), GPU: gpu, Code: 119})
			}
		})
		if got := WhatTheHostNeeds(p); !strings.Contains(got, "reboot") || RestartMayHelp(p) {
			t.Errorf("%q: %s", order, got)
		}
	}
}

func TestTheWorstAdviceCountsWhereTheGPUIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		xidOn string
		gpus  []evidence.GPUAdvice
		want  evidence.GPUAdvice
	}{
		"no GPU":                  {"", nil, ""},
		"all need nothing":        {"", []evidence.GPUAdvice{"none", "none"}, "none"},
		"one does not say, first": {"", []evidence.GPUAdvice{"", "none"}, ""},
		"one does not say, last":  {"", []evidence.GPUAdvice{"none", ""}, ""},
		"one needs a reset":       {"", []evidence.GPUAdvice{"none", "", "reset", "none"}, "reset"},
		"the one that is known":   {"b", []evidence.GPUAdvice{"reset", "none"}, "none"},
		"one that is not there":   {"z", []evidence.GPUAdvice{"none"}, ""},
	} {
		p := picture(func(p *Picture) {
			p.Devices.SawXid(evidence.Xid{GPU: c.xidOn})
			p.Devices.View.Known = true
			for i, advice := range c.gpus {
				p.Devices.View.GPUs = append(p.Devices.View.GPUs, evidence.GPU{UUID: string(rune('a' + i)), Advice: advice})
			}
		})
		if got := adviceOf(p); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
