package policy

import (
	"testing"
	"time"
)

// fruitless has loads of a model not last, so that it is asked in their place, later.
func fruitless(model string) given {
	return func(k *Keeper) {
		k.loads.lasting = lasting{model: model, fruitless: fruitlessLoads, next: now.Add(time.Second)}
	}
}

func TestALoadIsSpared(t *testing.T) {
	state := func(l lasting) given { return func(k *Keeper) { k.loads.lasting = l } }
	tried := func(d time.Duration) given { return func(k *Keeper) { k.loads.tried = ago(d) } }
	check(t, (*Keeper).sparesLoad, map[string]decided[bool]{
		"not the first one":                             when(false),
		"for a pause, after one that did not last":      when(true, state(lasting{model: mainOne, at: ago(time.Second)})),
		"not after one that lasted":                     when(false, state(lasting{model: mainOne, at: ago(lasts)})),
		"not after the pause":                           when(false, state(lasting{model: mainOne, fruitless: 1, next: now})),
		"after two that did not last":                   when(true, fruitless(mainOne)),
		"not for loads of another model":                when(false, fruitless(otherOne)),
		"not in doubt, once in a while":                 when(false, fruitless(mainOne), unclear(mainOne), tried(lasts)),
		"in doubt, if one was tried a moment ago":       when(true, fruitless(mainOne), unclear(mainOne), tried(lasts-1)),
		"after two, whatever was tried":                 when(true, fruitless(mainOne), tried(lasts)),
		"after two, when it is due to be asked instead": when(true, state(lasting{model: mainOne, fruitless: fruitlessLoads, next: now})),
	})
}

func TestAModelIsAskedInThePlaceOfALoad(t *testing.T) {
	for name, c := range map[string]struct {
		fruitless int
		next      time.Time
		want      bool
	}{
		"after two that did not last":  {fruitlessLoads, now, true},
		"not before the pause is over": {fruitlessLoads, now.Add(1), false},
		"not after one":                {fruitlessLoads - 1, now, false},
	} {
		k := serving(func(k *Keeper) { k.loads.lasting = lasting{model: mainOne, fruitless: c.fruitless, next: c.next} })
		k.sparesLoad()
		if k.probes.anyway != c.want || k.probes.next.Equal(now) != c.want || k.loads.tried.Equal(now) != c.want {
			t.Errorf("%s: anyway: %v, next at %s", name, k.probes.anyway, k.probes.next)
		}
		if l := k.loads.lasting; c.want && (l.fruitless != c.fruitless+1 || !l.next.After(now)) {
			t.Errorf("%s: the next one at once: %+v", name, l)
		}
	}
}

func TestAPauseFollowsALoadThatDidNotLast(t *testing.T) {
	l := lasting{}
	l.missed(now)
	if l != (lasting{}) {
		t.Errorf("without a load: %+v", l)
	}
	l.loaded(now, mainOne)
	l.missed(now.Add(time.Second))
	if l.fruitless != 1 || !l.next.Equal(now.Add(time.Second+firstRest)) || !l.at.IsZero() {
		t.Errorf("after one: %+v", l)
	}
	l.missed(now.Add(2 * time.Second))
	if l.fruitless != 1 {
		t.Errorf("one counts twice: %+v", l)
	}
	l.loaded(now, mainOne)
	l.missed(now.Add(time.Second))
	if l.fruitless != 2 || !l.next.Equal(now.Add(time.Second+firstRest)) {
		t.Errorf("after two it is asked at once: %+v", l)
	}
	l.loaded(now, otherOne)
	if l.fruitless != 0 || l.model != otherOne || !l.listed.IsZero() {
		t.Errorf("another model: %+v", l)
	}
}

func TestAModelThatStaysInMemoryBeginsAnew(t *testing.T) {
	l := lasting{model: mainOne, fruitless: 3, next: now}
	lists := func(after time.Duration, model string) {
		l.sawLoaded(now.Add(after), func(name string) bool { return name == model })
	}
	lists(0, mainOne)
	lists(lasts-1, mainOne)
	if l.fruitless != 3 || !l.listed.Equal(now) {
		t.Errorf("before it has stayed for long: %+v", l)
	}
	lists(lasts-1, otherOne)
	lists(lasts, mainOne)
	if l.fruitless != 3 {
		t.Errorf("though it was away meanwhile: %+v", l)
	}
	lists(2*lasts, mainOne)
	if l.fruitless != 0 || !l.next.IsZero() {
		t.Errorf("after that: %+v", l)
	}
}

func TestAModelIsAskedThatMayNotBeListed(t *testing.T) {
	anyway := func(k *Keeper) { k.probes.anyway = true }
	waits := inFlight(asking(mainOne, 10*time.Second))
	check(t, func(k *Keeper) bool { return k.asksUnlisted(k.picture()) }, map[string]decided[bool]{
		"not usually":                               when(false, waits),
		"in doubt, beside who waits":                when(true, unclear(mainOne), inFlight(asking(mainOne, 0))),
		"in the place of a load":                    when(true, anyway),
		"that as well, if others are lasting":       when(true, anyway, fruitless(mainOne)),
		"where loads do not last, until it answers": when(true, fruitless(mainOne), stands(Loading)),
		"and beside who waits in vain":              when(true, fruitless(mainOne), waits),
		"not without one":                           when(false, fruitless(mainOne)),
		"not beside who waits for another":          when(false, fruitless(mainOne), otherWaits),
		"not where loads of another do not last":    when(false, fruitless(otherOne), stands(Loading)),
		"not where they do":                         when(false, stands(Loading), func(k *Keeper) { k.loads.lasting = lasting{model: mainOne, fruitless: fruitlessLoads - 1} }),
		"not if another would have to leave for it": when(false, fruitless(mainOne), stands(Exhausted), inFlight(asking(otherOne, 0)), func(k *Keeper) { k.loads.tried = now }),
	})
}
