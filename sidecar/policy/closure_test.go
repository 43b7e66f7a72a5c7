package policy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestWhatAClosedGateSays(t *testing.T) {
	const back, lacks = "the model did not come back; the next try follows", "Ollama does not have the model, and it could not be pulled; the next try follows"
	around := Around{Sentence: "it is silent", Mending: "it was silent"}
	with := func(change func(*Around)) Around {
		a := around
		change(&a)
		return a
	}
	for name, c := range map[string]struct {
		state            State
		around           Around
		reason, progress string
	}{
		"a start":                   {Starting, around, "the model has not answered yet since Clawgate or Ollama started", ""},
		"a load":                    {Loading, around, "the model is being loaded", ""},
		"a pull":                    {Loading, with(func(a *Around) { a.Pull = Pull{Since: now, Status: "half"} }), "the model is being loaded", "half"},
		"one that has ended":        {Loading, with(func(a *Around) { a.Pull = Pull{Status: "half"} }), "the model is being loaded", ""},
		"a remedy":                  {Recovering, around, "the model is being recovered: it was silent", ""},
		"what came of it":           {Verifying, with(func(a *Around) { a.InDoubt = true }), "the model is being recovered: it was silent", ""},
		"a pause":                   {Backoff, around, back, ""},
		"nothing to load":           {Loading, with(func(a *Around) { a.Missing, a.Sentence = true, "it is not there" }), "it is not there", ""},
		"one for want of it":        {Backoff, with(func(a *Around) { a.Missing, a.LoadFailed = true, "no such file" }), lacks, ""},
		"one after a load":          {Backoff, with(func(a *Around) { a.LoadFailed = "no such file" }), "the model could not be loaded: no such file; the next try follows", ""},
		"what a person has to load": {Exhausted, with(func(a *Around) { a.LoadFailed = "no such file" }), "a person has to look: it is silent; when it was loaded last: no such file", ""},
		"what a person has":         {Exhausted, around, "a person has to look: it is silent", ""},
		"what a person did":         {Stopped, around, "it is silent", ""},
	} {
		gate := GateOf(Machine{State: c.state}, c.around, now)
		if gate.All == nil || gate.All.Reason != c.reason || gate.All.Progress != c.progress {
			t.Errorf("%s: %+v", name, gate.All)
		}
	}
}

func TestAGateThatIsShutForAllNamesNobody(t *testing.T) {
	kept := map[string]Closure{"m": {ExpectedOpen: now.Add(time.Minute)}}
	if gate := GateOf(Machine{State: Isolated}, Around{KeptOut: kept}, now); gate.All == nil || gate.Models != nil {
		t.Errorf("%+v", gate)
	}
}

func TestAPullThatIsCompleteIsNoMeasure(t *testing.T) {
	gate := GateOf(Machine{State: Loading}, Around{Since: now, Pull: Pull{Since: ago(time.Minute), Done: 3, Total: 3}}, now)
	if open := gate.All.ExpectedOpen; !open.Equal(now.Add(usualRecovery)) {
		t.Errorf("it opens in %s", open.Sub(now))
	}
}

func TestWhatElseSpeaksAgainstALoad(t *testing.T) {
	doubted := func(v verdict.Verdict, need verdict.Need) LoadView {
		return LoadView{Judgement: verdict.Judgement{Verdict: v, Need: need}, GPUDoubted: ago(time.Second), OthersUsed: true, Listed: true}
	}
	ready := Machine{State: Ready}
	for name, c := range map[string]struct {
		m    Machine
		view LoadView
		want Hold
	}{
		"ready, and nobody has asked for the list":      {ready, LoadView{Pinned: true}, NotListed},
		"ready, and another is being loaded":            {ready, LoadView{Pinned: true, Listed: true, LoadingOther: true}, Superseded},
		"ready, not pinned, and another is used":        {ready, LoadView{Listed: true, OthersUsed: true}, Unwanted},
		"ready, and the last client's model has left":   {ready, LoadView{Pinned: true, Listed: true, LastTraffic: now}, ""},
		"a runner that died, whatever of its GPU":       {Machine{State: Loading}, doubted(verdict.Crashed, verdict.Reload), ""},
		"a GPU in question, of a model that may answer": {Machine{State: Loading}, doubted(verdict.HostAction, verdict.Nothing), ""},
		"a GPU in question, beside another":             {Machine{State: Loading}, doubted(verdict.HostAction, verdict.Reload), InTheWay},
	} {
		c.view.Now = now
		if got := HoldLoad(c.m, c.view); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhoHasTheModelAskedOftenIsHeeded(t *testing.T) {
	for name, c := range map[string]struct {
		recheck, ready, want time.Duration
	}{
		"as is usual":           {5 * time.Second, 30 * time.Second, 500 * time.Millisecond},
		"after each one":        {5 * time.Second, 100 * time.Millisecond, 100 * time.Millisecond},
		"after each that fails": {200 * time.Millisecond, 30 * time.Second, 200 * time.Millisecond},
	} {
		probes := newAllowances(Settings{RecheckInterval: c.recheck, ReadyInterval: c.ready}).probes
		probes.AllowN(now, probes.Burst())
		if probes.AllowN(now.Add(c.want-time.Millisecond), 1) || !probes.AllowN(now.Add(c.want+time.Millisecond), 1) {
			t.Errorf("%s: not once in %s", name, c.want)
		}
	}
}

func TestAnActIsWrittenDown(t *testing.T) {
	if text, err := json.Marshal(Written{CancelProbe{7}}); err != nil || string(text) != `{"CancelProbe":{"id":7}}` {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := json.Marshal(Written{Tell{With: []any{func() {}}}}); err == nil {
		t.Errorf("what cannot be written is %s", text)
	}
}

func TestLinesHaveTheirLevel(t *testing.T) {
	k := serving()
	for level, tell := range map[Level]func(string, ...any){Debug: k.debug, Info: k.info, Warn: k.warn, Error: k.error} {
		k.turn.acts = nil
		tell("text")
		if line, _ := did[Tell](k.turn.acts); line.Level != level || line.Text != "text" {
			t.Errorf("%s: %+v", level, line)
		}
	}
}
