package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// underWay has a rung be taken now.
func underWay(rung Rung) given {
	return func(k *Keeper) {
		k.machine.State = Recovering
		k.remedy.running, k.remedy.rung = true, rung
	}
}

func event(action evidence.ContainerAction, signal string) evidence.ContainerEvent {
	return evidence.ContainerEvent{At: now, Action: action, Signal: signal}
}

func TestAnEventIsSomebodysAct(t *testing.T) {
	for name, c := range map[string]struct {
		event         evidence.ContainerEvent
		given         []given
		act, withdraw bool // whether it is taken for a person's, and ends what is pending
	}{
		"a stop":                        {event(evidence.ActionStop, ""), nil, true, false},
		"a kill":                        {event(evidence.ActionKill, "9"), nil, true, false},
		"a kill, beside what is owed":   {event(evidence.ActionKill, "9"), []given{pending(first, hour)}, true, true},
		"a stop, beside what is owed":   {event(evidence.ActionStop, ""), []given{pending(first, hour)}, true, false},
		"a reload of its settings":      {event(evidence.ActionKill, "HUP"), []given{pending(first, hour)}, false, false},
		"the end alone":                 {event(evidence.ActionDie, ""), []given{pending(first, hour)}, false, false},
		"a restart of Clawgate's":       {event(evidence.ActionStop, ""), []given{underWay(Restart)}, false, false},
		"a stop during an unload":       {event(evidence.ActionStop, ""), []given{underWay(Unload)}, true, false},
		"a stop of Clawgate's, delayed": {event(evidence.ActionKill, "9"), []given{pending(first, time.Second)}, false, false},
		"the engine's end":              {event(evidence.EngineLost, ""), nil, false, false},
	} {
		k := serving(c.given...)
		acts := k.decides(func(k *Keeper) { k.eventTold(c.event) })
		stopped := k.seen.Container.Seen
		stopped.Status, stopped.FinishedAt = evidence.Exited, now
		kick, _ := did[Kick](acts)
		_, dropped := did[DropIntent](acts)
		if ended := k.seen.Container.Operator.Ended(stopped); ended != c.act || dropped != c.withdraw || !kick.Inspect {
			t.Errorf("%s: a person's: %v, drops what is pending: %v, %+v", name, ended, dropped, kick)
		}
	}
}

func TestTheEnginesEndIsNoEvent(t *testing.T) {
	k := serving(byAPerson)
	before := k.seen.Container.Operator
	if k.eventTold(event(evidence.EngineLost, "")); k.seen.Container.Operator != before {
		t.Errorf("%+v", k.seen.Container.Operator)
	}
}

func TestAProcessIsKilledForMemory(t *testing.T) {
	for _, action := range []evidence.ContainerAction{evidence.ActionOOM, evidence.ActionDie} {
		if _, told := did[OOMKilled](serving().decides(func(k *Keeper) { k.eventTold(event(action, "")) })); told != (action == evidence.ActionOOM) {
			t.Errorf("%s: %v", action, told)
		}
	}
}

// goneAndAnswered has the container not run, and a server have answered since.
func goneAndAnswered(k *Keeper) {
	container(evidence.Exited)(k)
	k.seen.Role.Follow(ago(20*time.Second), ago(20*time.Second), k.seen.Container.Seen)
	k.seen.Role.Heard(ago(19*time.Second), ago(18*time.Second))
}

func inspection(status evidence.Status, changes ...func(*evidence.Container)) watch.Inspected {
	c := evidence.Container{Identity: first, Status: status, RestartPolicy: "unless-stopped", SeenAt: now}
	for _, change := range changes {
		change(&c)
	}
	return watch.Inspected{Asked: now, Container: c}
}

func TestWhoAnsweredMayBeTheContainerThatRanMeanwhile(t *testing.T) {
	for action, want := range map[evidence.ContainerAction]bool{evidence.ActionStart: false, evidence.ActionResume: false, evidence.ActionDie: true} {
		k := serving(goneAndAnswered)
		k.eventTold(event(action, ""))
		if k.inspected(inspection(evidence.Exited)); k.seen.Role.Beside() != want {
			t.Errorf("after %q another server is found: %v", action, !want)
		}
	}
}

func TestAnEngineThatIsAway(t *testing.T) {
	k := serving()
	tells := func(o watch.Inspected) bool {
		k.turn.acts = nil
		_, told := did[Tell](k.decides(func(k *Keeper) { k.inspected(o) }))
		return told
	}
	failed := watch.Inspected{Err: "no socket"}
	if !tells(failed) || tells(failed) || k.seen.Container.EngineError != "no socket" || k.seen.Container.Seen.Status != evidence.Running {
		t.Errorf("it is told not once: %+v", k.seen.Container)
	}
	k.turn.now = now.Add(time.Second)
	if !tells(inspection(evidence.Running)) || tells(inspection(evidence.Running)) || !k.seen.Container.EngineAway.IsZero() {
		t.Errorf("that it is back is told not once: %+v", k.seen.Container)
	}
}

func TestANewRunOfTheContainer(t *testing.T) {
	anew := func(c *evidence.Container) { c.StartedAt = now }
	paused := container(evidence.Paused)
	unknownYet := func(k *Keeper) { k.seen.Container.Known = false }
	for name, c := range map[string]struct {
		given []given
		seen  watch.Inspected
		run   bool // whether what was seen is forgotten
		adapt bool
		told  bool // whether a start is told of
	}{
		"the same":                         {nil, inspection(evidence.Running), false, false, false},
		"another":                          {nil, inspection(evidence.Running, anew), true, true, true},
		"one that is being started":        {nil, inspection(evidence.Restarting, anew), false, false, false},
		"the first, after an act of ours":  {[]given{unknownYet}, inspection(evidence.Running, anew), false, true, false},
		"another, during a remedy":         {[]given{underWay(Restart)}, inspection(evidence.Running, anew), false, false, false},
		"the same, after a pause":          {[]given{paused}, inspection(evidence.Running), true, false, false},
		"still in a pause":                 {[]given{paused}, inspection(evidence.Paused), false, false, false},
		"the same, down":                   {nil, inspection(evidence.Exited), false, false, false},
		"that is down, and another server": {[]given{goneAndAnswered}, inspection(evidence.Exited), true, false, false},
	} {
		k := serving(c.given...)
		acts := k.decides(func(k *Keeper) { k.inspected(c.seen) })
		_, adapts := did[Adapt](acts)
		_, told := did[ContainerStarted](acts)
		if seen := k.seen.Container.Seen; seen.Status != c.seen.Container.Status || !seen.Equal(c.seen.Container.Identity) {
			t.Errorf("%s: %+v is noted", name, seen)
		}
		if run := k.Generation() == 2; run != c.run || adapts != c.adapt || told != c.told || run != (k.machine.State == Starting) {
			t.Errorf("%s: generation %d, %s, adapts: %v, told: %v", name, k.Generation(), k.machine.State, adapts, told)
		}
	}
}

func TestWhatAnInspectionShowsBeside(t *testing.T) {
	ended := inspection(evidence.Exited, func(c *evidence.Container) { c.FinishedAt = ago(time.Second) })
	k := serving(func(k *Keeper) { k.died(evidence.Sign{Model: mainOne, At: ago(time.Second)}) })
	if k.inspected(ended); k.seen.Focused().Crashes.Len() > 0 {
		t.Error("the end of the container counts as a crash of its model")
	}
	for name, c := range map[string]struct {
		given []given
		seen  watch.Inspected
		want  bool
	}{
		"closes what another has taken over": {[]given{pending(second, hour)}, inspection(evidence.Running), true},
		"not during the remedy itself":       {[]given{pending(second, hour), underWay(Restart)}, inspection(evidence.Running), false},
	} {
		k := serving(c.given...)
		if _, dropped := did[DropIntent](k.decides(func(k *Keeper) { k.inspected(c.seen) })); dropped != c.want {
			t.Errorf("%s: %v", name, dropped)
		}
	}
}

func TestWhoAnswersInsteadIsLookedAt(t *testing.T) {
	asks := func(o watch.Inspected) func(*Keeper) bool {
		return func(k *Keeper) bool {
			kick, _ := did[Kick](k.decides(func(k *Keeper) { k.followRole(o) }))
			return kick.API
		}
	}
	check(t, asks(inspection(evidence.Exited)), map[string]decided[bool]{
		"when the container has ended": when(true),
		"not when it had ended before": when(false, func(k *Keeper) { k.followRole(inspection(evidence.Exited)); k.turn.acts = nil }),
		"not during a remedy":          when(false, underWay(Restart)),
	})
	check(t, asks(inspection(evidence.Running)), map[string]decided[bool]{
		"not while it runs":      when(false),
		"not when it runs again": when(false, goneAndAnswered),
	})
	k := serving(underWay(Restart))
	if k.followRole(inspection(evidence.Exited)); !k.seen.Role.AbsentSince().IsZero() {
		t.Error("what is stopped by a remedy counts as absent")
	}
}

func TestSomebodyStartedTheContainer(t *testing.T) {
	run := func(k *Keeper) evidence.Container { return k.seen.Container.Ran }
	policy := func(c *evidence.Container) { c.RestartCount, c.StartedAt = 1, now }
	for name, c := range map[string]struct {
		before, now func(*evidence.Container)
		given       []given
		cause       string
		mended      bool // whether somebody may have mended something
		starts      bool // whether it is the server that starts
	}{
		"a person":                  {nil, func(c *evidence.Container) { c.StartedAt = now }, nil, "restarted", true, true},
		"the engine's policy":       {nil, policy, nil, "crash", false, true},
		"by making it anew":         {nil, func(c *evidence.Container) { c.ID, c.RestartCount = "c2", 1 }, nil, "recreated", true, true},
		"and nobody knew it":        {func(c *evidence.Container) { c.ID = "" }, func(*evidence.Container) {}, nil, "restarted", true, true},
		"which is not the server":   {nil, policy, []given{another}, "crash", false, false},
		"the same, and a person it": {nil, func(c *evidence.Container) { c.StartedAt = now }, []given{another}, "restarted", true, true},
	} {
		k := serving(append(c.given, doubtedGPU, byAPerson)...)
		k.remedy.tried, k.seen.Devices.Hint = Attempts{Restarted: true}, evidence.GPUFound
		k.remedy.tookQuietly("slow", now)
		k.seen.Models.Of(otherOne).Quarantine.Until = now.Add(1)
		before, after := run(k), run(k)
		if c.before != nil {
			c.before(&before)
		}
		c.now(&after)
		k.turn.acts = nil
		acts := k.decides(func(k *Keeper) { k.replaced(before, after) })
		_, adapts := did[Adapt](acts)
		if told, _ := did[ContainerStarted](acts); told.Cause != c.cause || adapts != c.starts || k.seen.Container.Operator != (watch.Operator{}) {
			t.Errorf("%s: %+v, adapts: %v, %+v", name, told, adapts, k.seen.Container.Operator)
		}
		if k.remedy.tried.Restarted == c.starts || (k.seen.Devices.Hint == evidence.GPUFound) == c.starts || (k.Generation() == 2) != c.starts {
			t.Errorf("%s: %+v, %+v, generation %d", name, k.remedy.tried, k.seen.Devices.Hint, k.Generation())
		}
		kept := k.seen.Models.Get(otherOne).Quarantine.Until.IsZero()
		if k.seen.Devices.Troubled() == c.mended || len(k.remedy.quietMoments) == 0 != c.mended || kept != c.mended || !k.probes.next.Equal(now) {
			t.Errorf("%s: %+v, %v, kept out no more: %v", name, k.seen.Devices, k.remedy.quietMoments, kept)
		}
		if kick, _ := did[Kick](acts); kick != (Kick{TCP: true, API: true, Models: true, Inspect: true}) {
			t.Errorf("%s: %+v", name, kick)
		}
	}
}
