package policy

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// byItself has the container have ended without anybody's wish.
func byItself(k *Keeper) {
	k.seen.Container.Seen.RestartPolicy = "no"
	k.seen.Container.Operator.Saw(event(evidence.ActionDie, ""))
}

func silentPort(k *Keeper) { k.seen.Server.TCP = failures(1, evidence.ProbeResult{Refused: true}) }

func TestWhatIsWrongWithTheContainersName(t *testing.T) {
	const exited = `container "ollama" (CLAWGATE_CONTAINER) is exited, and a server answers at CLAWGATE_OLLAMA_URL all the same`
	noName := func(k *Keeper) { k.seen.Container.Inspected(evidence.Container{Status: evidence.Absent}, now) }
	check(t, (*Keeper).misnamed, map[string]decided[string]{
		"nothing is wrong":       when(""),
		"another server answers": when(exited, another),
		"it leads nowhere":       when(`no container is called "ollama" (CLAWGATE_CONTAINER)`, noName),
		"nobody knows yet":       when("", noName, func(k *Keeper) { k.seen.Container.Known = false }),
	})
	check(t, (*Keeper).ownID, map[string]decided[string]{"its ID": when("c1"), "another's": when("", another)})
}

func TestAWrongNameIsTold(t *testing.T) {
	told := func(s string) given { return func(k *Keeper) { k.role.told = []string{s} } }
	tells := func(k *Keeper) string {
		k.machine = Machine{State: Isolated, Plan: Plan{Rung: Restart, ByPerson: true}}
		line, _ := did[Tell](k.decides((*Keeper).tellRole))
		if withdrawn := !k.machine.Plan.ByPerson; withdrawn != (line.Text == "nothing can be healed") {
			t.Errorf("%q, and what a person asked for is withdrawn: %v", line.Text, withdrawn)
		}
		return line.Text
	}
	check(t, tells, map[string]decided[string]{
		"when it is found":      when("nothing can be healed", another),
		"not twice":             when("", another, func(k *Keeper) { told(k.misnamed())(k) }),
		"when it is another":    when("nothing can be healed", another, told("something else")),
		"when it is over":       when("the container can be healed again", told("something")),
		"not when all was well": when(""),
	})
	k := serving(another)
	k.tellRole()
	k.turn.acts = nil
	if line, again := did[Tell](k.decides((*Keeper).tellRole)); again {
		t.Errorf("it is told again: %+v", line)
	}
	k.seen.Role = watch.Role{}
	if k.tellRole(); len(k.role.told) > 0 {
		t.Errorf("it is over, and %v is told", k.role.told)
	}
}

func TestTheServerIsAskedWhoItIs(t *testing.T) {
	asks := func(k *Keeper) bool {
		_, asked := did[AskVersion](k.decides((*Keeper).askWhoAnswers))
		return asked
	}
	gone := container(evidence.Exited)
	wanting := func(k *Keeper) { gone(k); k.seen.Role.Follow(now, now, k.seen.Container.Seen) }
	check(t, asks, map[string]decided[bool]{
		"where an answer would show it": when(true, wanting),
		"not where it would not":        when(false),
		"not twice at a time":           when(false, wanting, func(k *Keeper) { k.role.asking = true }),
		"not during a remedy":           when(false, wanting, stands(Recovering)),
	})
	for _, answered := range []bool{true, false} {
		k := serving(wanting)
		if k.askWhoAnswers(); !k.role.asking {
			t.Error("it is not noted that it is asked")
		}
		k.turn.acts = nil
		kick, _ := did[Kick](k.decides(func(k *Keeper) {
			k.observe(watch.VersionAnswered{Began: now, Ended: now, Answered: answered})
		}))
		if kick.Inspect != answered || k.role.asking {
			t.Errorf("answered: %v, %+v, asking: %v", answered, kick, k.role.asking)
		}
	}
	if _, inspects := did[Kick](serving().decides(func(k *Keeper) { k.heardServer(now, now) })); inspects {
		t.Error("each answer has the container inspected")
	}
}
