package policy

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// onRung is a keeper that has been told to take a rung, with two more models in memory,
// of which the second has a client.
func onRung(rung Rung, changes ...given) *Keeper {
	others := loaded(evidence.LoadedModel{Name: otherOne}, evidence.LoadedModel{Name: "used:latest"})
	k := serving(append([]given{due(rung), others, inFlight(asking("used:latest", 0)), func(k *Keeper) { k.remedy.reason = "wedged" }}, changes...)...)
	k.turn.acts = nil
	k.handle(Event{Kind: Drained})
	return k
}

func TestARungIsTaken(t *testing.T) {
	for rung, c := range map[Rung]struct {
		target   string
		restarts int // that are spent
		unloads  bool
		left     []string // that stay in memory
		restore  []string // that are to be loaded again
		proven   bool     // whether what another model proved stays true
	}{
		Unload:   {mainOne, 0, true, []string{otherOne, "used:latest"}, nil, true},
		MakeRoom: {mainOne, 0, false, []string{mainOne, "used:latest"}, nil, true},
		Restart:  {"", 1, false, nil, []string{otherOne, "used:latest"}, false},
		Start:    {"", 1, false, nil, []string{otherOne, "used:latest"}, false},
	} {
		k := onRung(rung, func(k *Keeper) { k.seen.Models.Of(otherOne).Streak = proved() })
		act, _ := did[TakeRemedy](k.turn.acts)
		if act.Rung != rung || act.Target != c.target || act.Run != first || act.Reason != "wedged" || !slices.Contains(act.Others, otherOne) || slices.Contains(act.Others, "used:latest") {
			t.Errorf("%s: %+v", rung, act)
		}
		r := k.remedy
		if !r.running || r.rung != rung || r.run != first || !r.began.Equal(now) || r.ours() != rung.Cuts() || r.attempts != c.restarts || r.counted != (c.restarts == 1) || k.turn.Spent != c.restarts {
			t.Errorf("%s: %+v, %d spent", rung, r, k.turn.Spent)
		}
		k.seen.Focused().Unloaded(now)
		if spent := k.seen.Focused().UnloadsSpent(now); spent != c.unloads || !slices.Equal(names(r.left), c.left) || !slices.Equal(names(k.loads.restore), c.restore) {
			t.Errorf("%s: unloads are spent: %v, %v stay, %v come back", rung, spent, r.left, k.loads.restore)
		}
		if kept := k.seen.Models.Get(otherOne).Streak.Successes > 0; kept != c.proven || k.seen.Focused().Streak.Successes > 0 || k.Generation() != 2 || k.gate.State != Recovering {
			t.Errorf("%s: what others proved is kept: %v, the gate of %s", rung, kept, k.gate.State)
		}
	}
}

func names(models []evidence.LoadedModel) (names []string) {
	for _, m := range models {
		names = append(names, m.Name)
	}
	return names
}

func TestNoneIsOursThatDoesNotRun(t *testing.T) {
	if (&remedy{rung: Restart}).ours() {
		t.Error("one that has ended is under way")
	}
}

func TestOthersThatMakeRoomAreBounded(t *testing.T) {
	k := serving(due(MakeRoom))
	for i := range 2 * mostAtOnce {
		loaded(evidence.LoadedModel{Name: strconv.Itoa(i)})(k)
	}
	k.handle(Event{Kind: Drained})
	if act, _ := did[TakeRemedy](k.turn.acts); len(act.Others) != mostAtOnce {
		t.Errorf("%d are asked", len(act.Others))
	}
}

// ends takes the end of the rung under way.
func ends(k *Keeper, o watch.RemedyEnded) (told RemedyTaken) {
	k.turn.acts = nil
	told, _ = did[RemedyTaken](k.decides(func(k *Keeper) { k.ended(o) }))
	return told
}

func TestARungEnds(t *testing.T) {
	timeout, obsolete := &watch.EngineError{Text: "timeout"}, &watch.EngineError{Text: "another run", Kind: watch.Changed}
	for name, c := range map[string]struct {
		rung   Rung
		ended  watch.RemedyEnded
		result string
		state  State
		spent  int
		known  bool // what is in memory
	}{
		"a restart":                      {Restart, watch.RemedyEnded{StopSent: true}, "success", Verifying, 1, true},
		"a restart of what was down":     {Restart, watch.RemedyEnded{}, "success", Verifying, 1, true},
		"a restart that stopped nothing": {Restart, watch.RemedyEnded{Failure: timeout}, "failure", Backoff, 0, false},
		"a restart that failed later":    {Restart, watch.RemedyEnded{Failure: timeout, StopSent: true}, "failure", Backoff, 1, false},
		"a restart that came too late":   {Restart, watch.RemedyEnded{Failure: obsolete}, "obsolete", Starting, 0, false},
		"a start that failed":            {Start, watch.RemedyEnded{Failure: timeout}, "failure", Backoff, 1, false},
		"an unload":                      {Unload, watch.RemedyEnded{}, "success", Verifying, 0, true},
		"an unload that failed":          {Unload, watch.RemedyEnded{Failure: timeout}, "failure", Isolated, 0, false},
		"room that was not made":         {MakeRoom, watch.RemedyEnded{Failure: timeout}, "failure", Verifying, 0, false},
	} {
		k := onRung(c.rung)
		c.ended.Steps = []watch.Step{{Name: "stop", Took: time.Second}}
		told := ends(k, c.ended)
		if told.Result != c.result || told.Rung != c.rung || len(told.Ended.Steps) != 1 || k.machine.State != c.state || k.turn.Spent != c.spent {
			t.Errorf("%s: %+v, %s, %d spent", name, told, k.machine.State, k.turn.Spent)
		}
		wrong := ""
		if c.ended.Failure != nil {
			wrong = c.ended.Failure.Text
		}
		if r := k.remedy; r.running || len(r.steps) != 1 || r.lastError != wrong || k.seen.Container.Known || k.Generation() != 3 {
			t.Errorf("%s: %+v, generation %d", name, r, k.Generation())
		}
		if taken := k.remedy.tried; taken.Restarted != (c.rung == Restart) || taken.FailedStarts > 0 != (c.rung == Start) {
			t.Errorf("%s: %+v", name, taken)
		}
		if server := k.seen.Server; server.LoadedKnown != c.known || len(server.Loaded) != len(k.remedy.left) {
			t.Errorf("%s: in memory are %v, known: %v", name, server.Loaded, server.LoadedKnown)
		}
	}
	k := onRung(Restart, func(k *Keeper) { k.remedy.lastError = "before" })
	if ends(k, watch.RemedyEnded{StopSent: true}); k.remedy.lastError != "" {
		t.Errorf("after a success there is left %q", k.remedy.lastError)
	}
	ends(k, watch.RemedyEnded{StopSent: true, Failure: timeout})
	if k.remedy.stop.run != k.remedy.run || k.remedy.stop.ends.IsZero() {
		t.Errorf("a stop that failed is not remembered: %+v", k.remedy.stop)
	}
}

func TestWhatARungDidToTheContainer(t *testing.T) {
	failedDevice := func(k *Keeper) { doubtedGPU(k); k.seen.Devices.Hint = evidence.GPUFound }
	byHand := func(k *Keeper) { failedDevice(k); k.remedy.reason = requested }
	timeout, obsolete := &watch.EngineError{Text: "timeout"}, &watch.EngineError{Kind: watch.Changed}
	for name, c := range map[string]struct {
		rung            Rung
		given           given
		failure         *watch.EngineError
		troubled, fresh bool // whether a device counts as failed, and the container as started
	}{
		"a restart":                        {Restart, failedDevice, nil, true, true},
		"a restart by hand":                {Restart, byHand, nil, false, true},
		"a restart by hand that failed":    {Restart, byHand, timeout, true, true},
		"a restart that came too late":     {Restart, failedDevice, obsolete, false, true},
		"an unload":                        {Unload, failedDevice, nil, true, false},
		"an unload of what somebody asked": {Unload, byHand, nil, true, false},
	} {
		k := onRung(c.rung, c.given)
		ends(k, watch.RemedyEnded{Failure: c.failure, StopSent: true})
		if k.seen.Devices.Troubled() != c.troubled || (k.seen.Devices.Hint == evidence.GPUHintUnknown) != c.fresh {
			t.Errorf("%s: %+v", name, k.seen.Devices)
		}
	}
	for target, reloaded := range map[string]bool{mainOne: true, "": false} {
		k := onRung(Unload, func(k *Keeper) { k.machine.Target, k.seen.Focused().Answers = target, true })
		k.seen.Models.Of("").Answers = true
		if ends(k, watch.RemedyEnded{}); k.seen.Focused().Answers == reloaded || !k.seen.Models.Get("").Answers {
			t.Errorf("an unload of %q: %+v", target, k.seen.Focused())
		}
	}
}

func TestTheEndOfWhatDidNotComeUpIsNoPersons(t *testing.T) {
	for name, c := range map[string]struct {
		rung  Rung
		ended watch.RemedyEnded
		seen  bool // whether its end counts as seen, and so as nobody's wish
	}{
		"a start that failed":            {Start, watch.RemedyEnded{Failure: &watch.EngineError{}}, true},
		"a restart that failed":          {Restart, watch.RemedyEnded{Failure: &watch.EngineError{}, StopSent: true}, true},
		"a restart that stopped nothing": {Restart, watch.RemedyEnded{Failure: &watch.EngineError{}}, false},
		"a start":                        {Start, watch.RemedyEnded{}, false},
		"a restart":                      {Restart, watch.RemedyEnded{StopSent: true}, false},
	} {
		k := onRung(c.rung, byAPerson)
		if ends(k, c.ended); k.seen.Container.Operator != (watch.Operator{DiedSeen: c.seen}) {
			t.Errorf("%s: %+v", name, k.seen.Container.Operator)
		}
	}
}

func TestABackoff(t *testing.T) {
	for counted, attempts := range map[bool]int{true: 1, false: 2} {
		k := serving(func(k *Keeper) { k.remedy.attempts, k.remedy.counted = 1, counted })
		if k.beginBackoff(); k.remedy.attempts != attempts || k.remedy.counted || !k.remedy.backoff.Equal(now.Add(pauseAfter(attempts, 0))) {
			t.Errorf("counted before: %v: %+v", counted, k.remedy)
		}
	}
	over := func(at time.Time) given { return func(k *Keeper) { k.remedy.backoff = at } }
	looks := func(k *Keeper) bool {
		_, cancelled := did[CancelProbe](k.decides((*Keeper).endBackoff))
		unproven := k.seen.Focused().Streak.Successes == 0
		if looks := k.machine.State == Starting; looks != cancelled || looks != unproven || looks != k.probes.next.Equal(now) {
			t.Errorf("%s, an attempt is called off: %v, nothing is proven: %v", k.machine.State, cancelled, unproven)
		}
		return cancelled
	}
	check(t, looks, map[string]decided[bool]{
		"ends":                   when(true, stands(Backoff), over(now), open(undecided)),
		"lasts":                  when(false, stands(Backoff), over(now.Add(1)), open(undecided)),
		"was ended by something": when(false, stands(Verifying), over(now), open(undecided)),
	})
}
