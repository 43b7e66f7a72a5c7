package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestThePictureOfAServerThatIsAnother(t *testing.T) {
	k := serving(another, atWork, pending(first, hour), func(k *Keeper) { k.seen.Devices.WorkedAt = now })
	p := k.picture()
	if p.Apart == "" || p.ContainerKnown || p.Container.ID != "" || !p.GoneSince.IsZero() || p.OperatorAct != "" || p.Unfinished || p.Pulse != (verdict.Pulse{}) || !p.GPUActiveAt.IsZero() {
		t.Errorf("it has something of the container: %+v", p)
	}
	k = serving(atWork, func(k *Keeper) { k.seen.Devices.WorkedAt, k.seen.ClockJumpedAt = now, ago(hour) })
	p = k.picture()
	if p.Apart != "" || !p.ContainerKnown || p.Container.ID != "c1" || p.Pulse.LastActive().IsZero() || !p.GPUActiveAt.Equal(now) || !p.ClockJumpedAt.Equal(ago(hour)) {
		t.Errorf("%+v", p)
	}
}

func TestWhatAPersonDidIsInThePicture(t *testing.T) {
	act := func(k *Keeper) bool { return k.picture().OperatorAct != "" }
	down := container(evidence.Exited)
	check(t, act, map[string]decided[bool]{
		"a stop":                             when(true, down, byAPerson),
		"not of a container that runs":       when(false, byAPerson),
		"not where it is down because of us": when(false, down, pending(first, hour)),
		"not if nobody has looked":           when(false, down, byAPerson, func(k *Keeper) { k.seen.Container.Known = false }),
	})
	for name, c := range map[string]struct {
		given []given
		want  bool
	}{"what is owed": {[]given{down, pending(first, hour)}, true}, "not what is not": {[]given{down}, false}} {
		if p := serving(c.given...).picture(); p.Unfinished != c.want {
			t.Errorf("%s: %v", name, p.Unfinished)
		}
	}
}

func TestAModelStaysOffTheGPUByWish(t *testing.T) {
	wish := func(k *Keeper) bool { return k.picture().Card.ByWish }
	check(t, wish, map[string]decided[bool]{
		"not usually":                 when(false),
		"of the container's settings": when(true, func(k *Keeper) { k.seen.Container.Seen.Env = map[string]string{"CUDA_VISIBLE_DEVICES": "-1"} }),
		"not for one of its GPUs":     when(false, func(k *Keeper) { k.seen.Container.Seen.Env = map[string]string{"CUDA_VISIBLE_DEVICES": "0"} }),
		"of Clawgate's settings":      when(true, func(k *Keeper) { k.settings.OffGPU = true }),
		"of a client's":               when(true, func(k *Keeper) { k.turn.OffGPU = []string{otherOne, mainOne} }),
		"not for another model":       when(false, func(k *Keeper) { k.turn.OffGPU = []string{otherOne} }),
	})
}

func TestThePictureIsOfTheModelThatIsLookedAt(t *testing.T) {
	k := serving(aside, beingLoaded(otherOne), hollowly(otherOne))
	k.died(evidence.Sign{Model: otherOne, At: now, Detail: "it died"})
	k.foundNoRoom(evidence.Sign{Model: otherOne, At: now})
	k.seen.Focused().BestRatio, k.seen.Focused().OwnPeak, k.seen.Focused().LateSince, k.seen.Focused().Timely = 0.5, 7, now, true
	p := k.picture()
	if p.Target != otherOne || p.Main != mainOne || len(p.Crashes) != 1 || p.CrashDetail != "it died" || !p.CrashUnresolved || !p.Memory.Unresolved || !p.Hollow.Suspicious() {
		t.Errorf("%+v", p)
	}
	if p.Card.BestRatio != 0.5 || p.Card.OwnPeak != 7 || !p.Slowed.LateSince.Equal(now) || !p.Slowed.TimelyBefore || !p.LoadSince.Equal(ago(time.Minute)) {
		t.Errorf("%+v, %+v", p.Card, p.Slowed)
	}
	if p = serving(beingLoaded(otherOne)).picture(); !p.LoadSince.IsZero() || len(p.Crashes) > 0 {
		t.Errorf("of the main model: %+v", p)
	}
}

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
		if s := serving(stands(state), func(k *Keeper) { k.machine.Rung = Unload }).Standing(); s.Rung != want || s.State != state || s.Seen == nil || s.BudgetLeft != 3 {
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
