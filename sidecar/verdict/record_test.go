package verdict

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

var verdictConst = regexp.MustCompile(`\b\w+ Verdict = "(\w+)"`)

func TestEveryVerdictHasItsRecord(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var written []Verdict
	for _, file := range files {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range verdictConst.FindAllStringSubmatch(string(text), -1) {
			written = append(written, Verdict(found[1]))
		}
	}
	recorded := slices.Sorted(slices.Values(All))
	if slices.Sort(written); !slices.Equal(written, recorded) {
		t.Errorf("there are verdicts %q, and records of %q", written, recorded)
	}
}

func TestEveryRecordSaysWhatThereIsToKnow(t *testing.T) {
	for _, r := range Records {
		if r.Means == "" || r.Does == "" || r.Signs == "" || r.Remedy == "" {
			t.Errorf("%s is not explained: %+v", r.Verdict, r)
		}
		for _, need := range r.needs() {
			if !slices.Contains(Needs, need) {
				t.Errorf("%s needs %q, which does not exist", r.Verdict, need)
			}
		}
		if r.Need.Remedy() || r.Unproved.Remedy() {
			t.Errorf("%s needs a remedy before its rule has found one to be due", r.Verdict)
		}
	}
}

// needs are all that the verdict may need.
func (r Record) needs() []Need {
	all := append([]Need{r.Need}, r.Finds...)
	if r.Unproved != "" {
		all = append(all, r.Unproved)
	}
	return all
}

func TestNothingIsNeededThatTheRecordDoesNotHave(t *testing.T) {
	each(t, asItIs, func(_ Picture, got Judgement) string {
		return saidIf(!slices.Contains(Of(got.Verdict).needs(), got.Need), "not in the record")
	})
}

// What each standing makes of the judgements that follow it.
func TestWhatAVerdictSaysOfTheModelOutlivesIt(t *testing.T) {
	failing := ready(1, time.Second, evidence.ProbeResult{})
	for _, v := range All {
		want := Unproven
		switch v {
		case Healthy, Busy, Slow:
			want = v
		case EngineAway, Overloaded, GPULost, CPUFallback, VRAMLeak, Throttled, HostAction:
			want = Healthy
		}
		if got := Judge(picture(failing), Judgement{Verdict: v, Answers: true, Sentence: "before"}); got.Verdict != want {
			t.Errorf("after %s: %s, want %s", v, got.Verdict, want)
		}
	}
}

func TestWhatIsLeftOfAVerdictWithoutTheEngine(t *testing.T) {
	for _, v := range All {
		for _, answers := range []bool{false, true} {
			want := v
			switch v {
			case Wedged, Crashed, Down, OutOfMemory, Garbage:
				want = EngineAway
			case Healthy, Busy, Slow, EngineAway, Overloaded, GPULost, CPUFallback, VRAMLeak, Throttled:
				if answers {
					want = EngineAway
				}
			}
			if got := blind(picture(engineAway), Judgement{Verdict: v, Answers: answers}); got.Verdict != want {
				t.Errorf("%s, answers %t: %s, want %s", v, answers, got.Verdict, want)
			}
		}
	}
}

func TestWhatSpeaksWellIsForgottenWithItsRun(t *testing.T) {
	for _, v := range All {
		want := v == Healthy || v == Busy || v == Slow || v == EngineAway
		if got := (Judgement{Verdict: v}).SpeaksWell(); got != want {
			t.Errorf("%s speaks well: %t, want %t", v, got, want)
		}
		if !(Judgement{Verdict: v, Answers: true}).SpeaksWell() {
			t.Errorf("a model that answers under %s speaks not well", v)
		}
	}
}

func TestFaultsAndRemediesAreThoseOfTheMetrics(t *testing.T) {
	var faults, mended []Verdict
	for _, r := range Records {
		if r.Fault() {
			faults = append(faults, r.Verdict)
		}
		if r.Mends() {
			mended = append(mended, r.Verdict)
		}
	}
	if want := []Verdict{Wedged, Crashed, Down, OutOfMemory, Garbage, HostAction}; !slices.Equal(faults, want) {
		t.Errorf("faults are %q, want %q", faults, want)
	}
	if want := []Verdict{Slow, Wedged, Crashed, Down, OutOfMemory, Garbage, GPULost, CPUFallback, VRAMLeak}; !slices.Equal(mended, want) {
		t.Errorf("there is a remedy for %q, want %q", mended, want)
	}
}

// A rule goes before others, or leaves a finding to them.
func TestTheOrderOfRules(t *testing.T) {
	stopped := func(p *Picture) { p.OperatorAct = "was stopped by hand" }
	beside := func(p *Picture) { p.Main = "main:latest" }
	gone := status(evidence.Exited, time.Hour)
	silentAPI := api(3, time.Minute, evidence.ProbeResult{})
	missing := func(p *Picture) { p.PullSince = ago(time.Minute) }
	find(t, map[string]finding{
		"an act over a container that is gone":  {picture: onCard(stopped, gone), want: Stopped},
		"which goes over its GPU":               {picture: onCard(gone, lost), want: Down, need: Mend},
		"which goes over a silent server":       {picture: onCard(lost, silentAPI), want: HostAction, need: Person},
		"but not where the runner died":         {picture: onCard(lost, crashes(1)), want: Crashed, model: target},
		"nor where there is no room":            {picture: onCard(lost, noRoom(1)), want: OutOfMemory, model: target},
		"nor where another model is looked at":  {picture: onCard(lost, beside), want: Healthy},
		"a silent server over a missing model":  {picture: picture(silentAPI, missing), want: Wedged, need: Mend},
		"a missing model over a load":           {picture: picture(missing, ourLoadFor(time.Minute)), want: ModelMissing},
		"a load over the lack of room":          {picture: picture(ourLoadFor(time.Minute), noRoom(1)), want: Loading, model: target},
		"the lack of room over a crash":         {picture: picture(noRoom(1), crashes(1)), want: OutOfMemory, model: target},
		"a crash over a silent model":           {picture: picture(crashes(1), wedged), want: Crashed, model: target},
		"empty answers over a silent model":     {picture: picture(hollow(3, 2), wedged), want: Garbage, need: Mend, model: target},
		"a silent model over one not in memory": {picture: picture(wedged, unloaded), want: Wedged, need: Mend, model: target},
		"refusals over one that is not there":   {picture: picture(refused(time.Second, 0), unloaded), want: Overloaded},
		"one not in memory over its answers":    {picture: picture(unloaded), want: Unloaded, model: target},
		"heat over slowness":                    {picture: onCard(late(time.Hour), throttledFor(time.Minute)), want: Throttled},
		"a leak over heat":                      {picture: onCard(leakFor(time.Hour), throttledFor(time.Minute)), want: VRAMLeak, need: MendWhenQuiet},
	})
}
