package policy

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestARestartThatAPersonMayNotHave(t *testing.T) {
	refused := func(k *Keeper) string {
		in := k.turn.Inputs
		k.turn = turn{}
		if err := k.MayRestart(now, in); err != nil {
			return err.Error()
		}
		return ""
	}
	check(t, refused, map[string]decided[string]{
		"any is fine":                   when(""),
		"without budget as well":        when("", spending(3)),
		"during a remedy":               when(ErrRecovering.Error(), stands(Recovering)),
		"without an engine":             when("the container engine does not answer: no answer", engineLost),
		"of what is not the server":     when("nothing is restarted: "+serving(another).misnamed(), another),
		"of a container that is paused": when("the container is paused: unpause it first", container(evidence.Paused)),
		"of what a person has stopped":  when("", another, silentPort),
		"of what nobody else has down":  when("", container(evidence.Exited), pending(first, hour)),
	})
}

func TestWhatAPersonAsksFor(t *testing.T) {
	observes := func(k *Keeper) { k.settings.Observe = true }
	for name, c := range map[string]struct {
		given   []given
		asked   watch.Observation
		told    Operated
		paused  bool
		machine Machine
	}{
		"a pause": {
			nil, watch.PauseAsked{Reason: "I look"}, Operated{Call: "pause", Reason: "I look", State: Ready},
			true, Machine{State: Ready, Passive: true},
		},
		"its end": {
			[]given{passive, func(k *Keeper) { k.paused = new(string) }}, watch.ResumeAsked{}, Operated{Call: "resume", State: Ready},
			false, Machine{State: Ready},
		},
		"its end, where nothing is done": {
			[]given{passive, observes}, watch.ResumeAsked{}, Operated{Call: "resume", State: Ready}, false, Machine{State: Ready, Passive: true},
		},
		"a restart": {
			nil, watch.RestartAsked{}, Operated{Call: "restart", State: Ready},
			false, Machine{State: Isolated, Plan: Plan{Rung: Restart, ByPerson: true}},
		},
		"a restart of what is down": {
			[]given{func(k *Keeper) { k.judgement.ServerGone = true }}, watch.RestartAsked{}, Operated{Call: "restart", State: Ready},
			false, Machine{State: Isolated, Plan: Plan{Rung: Start, ByPerson: true}},
		},
	} {
		k := serving(c.given...)
		told, _ := did[Operated](k.decides(func(k *Keeper) { k.ended(c.asked) }))
		c.told.At = now
		if told != c.told || k.machine != c.machine || (k.paused != nil) != c.paused || c.paused && *k.paused != "I look" {
			t.Errorf("%s: %+v, %+v", name, told, k.machine)
		}
	}
}
