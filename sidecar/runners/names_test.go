package runners

import "testing"

// byAlias is a ledger in which a request by a name that nobody knows has begun, and
// turns out to be for the other model. It waits for its runner, which may take the main
// one's place. After is a look after that.
func byAlias(t *testing.T, begin func(l *Ledger)) (l *Ledger, after Look) {
	t.Helper()
	l, look := loaded()
	begin(l)
	look.At, look.Mark = at(5), l.Mark()
	l.Saw(look, map[string]string{main: weights[main], other: weights[other], "alias": weights[other]})
	return l, see(l, 16)
}

func TestARequestByAnotherNameIsTheModels(t *testing.T) {
	var v *Visit
	l, look := byAlias(t, func(l *Ledger) { v = l.Begin(Ask{Model: "alias", Setup: 1}, at(4)) })
	if !l.Explains(main, look, at(20), nil) {
		t.Error("a request that may have the other model loaded explains nothing once its name is known")
	}
	v.Served()
	v.End(at(21))
	if !l.Explains(main, look, at(22), nil) {
		t.Error("neither when it is over")
	}
	if look := see(l, 40); l.Explains(main, look, at(50), nil) {
		t.Error("it explains for ever")
	}
	if m := l.models[other]; m.open != 0 || m.serving != 0 || m.clients != 0 || m.loads.open != 0 || m.replaced.open != 0 {
		t.Errorf("something is left of it: %+v", *m)
	}
}

func TestALoadByAnotherNameIsTheModels(t *testing.T) {
	var done func()
	l, look := byAlias(t, func(l *Ledger) { d := l.Loading("alias"); done = func() { d(at(21), true, -1) } })
	if !l.Explains(main, look, at(20), nil) {
		t.Error("a load of the other model explains nothing once its name is known")
	}
	done()
	if !l.Explains(main, look, at(22), nil) {
		t.Error("neither when it is over")
	}
	if look := see(l, 40); l.Explains(main, look, at(50), nil) {
		t.Error("it explains for ever")
	}
	if m := l.models[other]; m.ours != 0 || m.loads.open != 0 || m.replaced.open != 0 {
		t.Errorf("something is left of it: %+v", *m)
	}
}
