package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestWhatStandsToBeShown(t *testing.T) {
	closedFor := func(model string) given {
		return func(k *Keeper) { k.gate.Models = map[string]Closure{model: {Reason: "it loads"}} }
	}
	shows := func(k *Keeper) string {
		s := k.Standing()
		if s.Serves != (s.Because == "") {
			t.Errorf("serves: %v, because %q", s.Serves, s.Because)
		}
		return s.Because
	}
	silent := func(k *Keeper) { k.judgement = verdict.Judgement{Verdict: verdict.Wedged, Sentence: "it is silent"} }
	const open = "the gate is held open, and the model does not answer: it is silent"
	check(t, shows, map[string]decided[string]{
		"it serves":                          when(""),
		"the gate is shut for all":           when("it is silent", func(k *Keeper) { k.gate.All = &Closure{Reason: "it is silent"} }),
		"it is shut for the main model":      when("it loads", closedFor(mainOne)),
		"it is shut for another":             when("", closedFor(otherOne)),
		"it is held open":                    when(open, stands(Isolated), passive, silent),
		"it is held open where all is ready": when("", passive, silent),
		"it is open, and nobody watches":     when("", stands(Isolated), silent),
		"it is held open, and it answers":    when("", stands(Isolated), passive, silent, func(k *Keeper) { k.judgement.Answers = true }),
		"nothing is judged":                  when("", stands(Isolated), passive, func(k *Keeper) { k.judgement = verdict.Judgement{} }),
	})
	for state, want := range map[State]Rung{Ready: NoRung, Verifying: Unload} {
		if s := serving(stands(state), func(k *Keeper) { k.machine.Tried.Rung = Unload }).Standing(); s.Rung != want || s.State != state || s.Seen == nil || s.BudgetLeft != 3 {
			t.Errorf("%s: %+v", state, s)
		}
	}
}

func TestWhatIsDueIsShown(t *testing.T) {
	waits := func(k *Keeper) string {
		if d := k.Standing().Due; d != nil {
			return string(d.Rung) + ": " + d.Waits
		}
		return ""
	}
	check(t, waits, map[string]decided[string]{
		"nothing":                            when(""),
		"a drain":                            when("restart: streams that move", due(Restart)),
		"one that is only watched":           when("restart: "+onlyWatches, due(Restart), passive),
		"one for a person":                   when("restart: streams that move", due(Restart), passive, forced),
		"what can wait":                      when("restart: a quiet moment", canWait),
		"what can wait, and was told":        when("restart: "+onlyWatches, canWait, func(k *Keeper) { k.quiet.told = true }),
		"nothing that is not due just now":   when("", canWait, func(k *Keeper) { k.judgement.Need = verdict.Nothing }),
		"nothing that has just come to wait": when("", canWait, func(k *Keeper) { k.quiet.verdict = "" }),
	})
}

func TestWhoIsKeptOutIsShownInOrder(t *testing.T) {
	k := serving()
	for i, model := range []string{"c:latest", "a:latest", "b:latest", "over:latest"} {
		k.seen.Models.Of(model).Quarantine = watch.Quarantine{Until: now.Add(time.Duration(3-i) * time.Second), Reason: "it dies"}
	}
	kept := k.Standing().Quarantine
	if len(kept) != 3 || kept[0].Model != "a:latest" || kept[2].Model != "c:latest" || kept[2].Reason != "it dies" || !kept[2].Until.Equal(now.Add(3*time.Second)) {
		t.Errorf("%+v", kept)
	}
}

func TestWhatIsAskedOfAKeeper(t *testing.T) {
	k := serving(atWork)
	if k.Settings().Main != mainOne || k.ContainerID() != "c1" || !k.WorkedAt().Equal(now) || k.Focus() != mainOne || k.Generation() != 1 {
		t.Errorf("%+v", k.Standing())
	}
}
