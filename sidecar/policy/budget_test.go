package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func owed(k *Keeper) {
	container(evidence.Exited)(k)
	pending(first, hour)(k)
}

func spending(n int) given { return func(k *Keeper) { k.turn.Spent = n } }

func TestHowManyRestartsAreLeft(t *testing.T) {
	none := func(k *Keeper) { k.settings.RestartBudget = 0 }
	check(t, (*Keeper).BudgetLeft, map[string]decided[int]{
		"all":                             when(3),
		"all but one":                     when(2, spending(1)),
		"none":                            when(0, spending(3)),
		"never fewer":                     when(0, spending(4)),
		"of a start that is owed, all":    when(3, spending(4), owed),
		"of a start that is owed, one":    when(1, none, owed),
		"of a budget of none, for others": when(0, none),
	})
}

func TestARestartIsPaidForOnce(t *testing.T) {
	for name, c := range map[string]struct {
		given given
		spent int
	}{"when it begins": {spending(1), 2}, "not when one is finished": {owed, 0}} {
		k := serving(c.given)
		act, spent := did[Spend](k.decides((*Keeper).spend))
		if k.turn.Spent != c.spent || spent != (c.spent > 0) || spent && !act.At.Equal(now) {
			t.Errorf("%s: %+v, %d", name, act, k.turn.Spent)
		}
	}
}

func TestARestartThatStoppedNothingIsGivenBack(t *testing.T) {
	for name, c := range map[string]struct {
		began time.Duration // ago
		spent int
		want  int
	}{
		"while it counts":              {time.Minute, 2, 1},
		"not after it counts no more":  {hour, 2, 2},
		"not if nothing was taken out": {time.Minute, 0, 0},
	} {
		k := serving(spending(c.spent), func(k *Keeper) { k.remedy.began = ago(c.began) })
		act, _ := did[Refund](k.decides((*Keeper).refund))
		if k.turn.Spent != c.want || !act.At.Equal(k.remedy.began) {
			t.Errorf("%s: %d, %+v", name, k.turn.Spent, act)
		}
	}
}
