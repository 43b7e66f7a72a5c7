package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// spell is a time in which a container used so much CPU a second.
type spell struct {
	lasts, perSecond time.Duration
}

const (
	rest = time.Millisecond // in a second
	work = time.Second
)

// spells is the pulse of a container that is read each second, after these, one after
// another, the last one until now.
func spells(all ...spell) (p Pulse) {
	var lasted, cpu time.Duration
	for _, s := range all {
		lasted += s.lasts
	}
	at := ago(lasted)
	p = p.Add(evidence.Activity{SeenAt: at})
	for _, s := range all {
		for end := at.Add(s.lasts); at.Before(end); {
			at, cpu = at.Add(time.Second), cpu+s.perSecond
			p = p.Add(evidence.Activity{SeenAt: at, CPU: cpu})
		}
	}
	return p
}

func TestForHowLongAContainerRests(t *testing.T) {
	for name, c := range map[string]struct {
		pulse Pulse
		want  time.Duration
	}{
		"it has all the time":                    {spells(spell{20 * second, rest}), 20 * second},
		"it worked for a probe":                  {spells(spell{20 * second, rest}, spell{9 * second, work}, spell{5 * second, rest}), 34 * second},
		"it worked for somebody":                 {spells(spell{20 * second, rest}, spell{10 * second, work}, spell{5 * second, rest}), 5 * second},
		"it worked for two probes":               {spells(spell{20 * second, rest}, spell{6 * second, work}, spell{second, rest}, spell{6 * second, work}, spell{5 * second, rest}), 38 * second},
		"it worked a moment ago":                 {spells(spell{20 * second, rest}, spell{second, work}, spell{3 * second, rest}), 0},
		"it works":                               {spells(spell{20 * second, rest}, spell{second, work}), 0},
		"it works just as much as is work":       {spells(spell{20 * second, rest}, spell{second, busyCPU}), 0},
		"it was seen to work from the beginning": {spells(spell{30 * second, work}, spell{5 * second, rest}), 5 * second},
	} {
		if got := c.pulse.RestsFor(now); got != c.want {
			t.Errorf("%s: for %s, want %s", name, got, c.want)
		}
	}
	p := Pulse{}.Add(evidence.Activity{SeenAt: ago(time.Minute)}).Add(evidence.Activity{SeenAt: ago(Stillness), CPU: time.Hour}).Add(evidence.Activity{SeenAt: now, CPU: time.Hour})
	if got := p.RestsFor(now); got != Stillness {
		t.Errorf("just still: for %s", got)
	}
}

func TestSinceWhenNothingIsSeenToMove(t *testing.T) {
	p := spells(spell{5 * second, rest}, spell{2 * second, work}, spell{3 * second, rest})
	for name, c := range map[string]struct {
		pulse       Pulse
		began, want time.Duration // ago
	}{
		"since it worked last":        {p, 6 * second, 3 * second},
		"since a request that is new": {p, second, second},
		"since it is seen at all":     {spells(spell{10 * second, rest}), time.Minute, 10 * second},
		"since before nobody looked":  {Pulse{}, time.Minute, time.Minute},
	} {
		if got := c.pulse.UnseenSince(ago(c.began)); !got.Equal(ago(c.want)) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if !p.ReadAfter(now) || p.ReadAfter(now.Add(1)) {
		t.Error("the newest reading is not of now")
	}
}

func TestThePaceAfterANewLoad(t *testing.T) {
	p := Pace{}
	for range paceAnswers {
		p = p.Add(40)
	}
	p = p.Afresh()
	if usual := p.Add(50).Usual(); usual != 41 {
		t.Errorf("a first quick answer makes %f usual", usual)
	}
	if recent := p.Add(0).Add(-1).recent; len(recent) > 0 {
		t.Errorf("what has no speed counts: %v", recent)
	}
}

func TestWhatALeakIsCountedBy(t *testing.T) {
	orphan, runner := holding(1, 900*mib, "c1"), holding(2, modelSize, "c1")
	glances := func(list ...[]evidence.LoadedModel) (l Leak) {
		for i, loaded := range list {
			view := viewOf(gpuWith(orphan, runner))
			view.SeenAt = ago(leakMoves * time.Duration(len(list)-1-i))
			for j := range loaded {
				loaded[j].SeenAt = view.SeenAt
			}
			l = l.Add(view, "c1", loaded, false, tolerance)
		}
		return l
	}
	models := func(names ...string) (list []evidence.LoadedModel) {
		for _, name := range names {
			list = append(list, evidence.LoadedModel{Name: name})
		}
		return list
	}
	for name, c := range map[string]struct {
		leak Leak
		want bool
	}{
		"one that lasts":                 {glances(models("a"), models("a"), models("a"), models("a"), models("a")), true},
		"not with another model between": {glances(models("a"), models("a"), models("b"), models("a"), models("a")), false},
		"not with another one of two":    {glances(nil, models("a"), models("a"), models("a"), models("a")), false},
	} {
		if c.leak.Lasts(now) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
	two := [][]evidence.LoadedModel{models("a", "b"), models("b", "a")}
	if signature(two[0]) != signature(two[1]) {
		t.Error("the order of the list makes another set of models of it")
	}
	if l := glances(models("a")); l.Bytes() != 900*mib || len(l.Holders()) != 1 || l.Holders()[0].PID != 1 {
		t.Errorf("the model's is taken for the leak: %+v", l.Holders())
	}
	orphan.Command = ""
	if l := glances(models("a")); l.Bytes() != 900*mib {
		t.Errorf("what hides its name is no process of Ollama's: %+v", l.Holders())
	}
}

func TestAViewThatIsNotKnownBeginsALeakAnew(t *testing.T) {
	l := Leak{}.Add(viewOf(gpuWith(holding(1, modelSize, "c1"))), "c1", nil, false, tolerance)
	old := []evidence.LoadedModel{{Name: target, SeenAt: ago(time.Hour)}}
	if l = l.Add(evidence.GPUView{SeenAt: now}, "c1", old, false, tolerance); !l.Since().IsZero() {
		t.Errorf("it is counted since %s", l.Since())
	}
}
