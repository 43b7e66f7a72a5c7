package watch

import "testing"

// paceOf is the model's pace after these answers.
func paceOf(perSecond ...float64) (pace Pace) {
	for _, speed := range perSecond {
		pace = pace.Add(speed)
	}
	return pace
}

func TestAPaceIsLearned(t *testing.T) {
	for name, c := range map[string]struct {
		answers []float64
		usual   float64
		fallen  bool
	}{
		"from nothing":                        {nil, 0, false},
		"not from two answers":                {[]float64{40, 40}, 0, false},
		"from three, the one in the middle":   {[]float64{400, 30, 40}, 40, false},
		"not from those without a speed":      {[]float64{40, 0, 40, -1, 40}, 40, false},
		"following a lasting change":          {[]float64{40, 40, 40, 30}, 39, false},
		"and not from what is far below":      {[]float64{40, 40, 40, 7, 7, 7, 7, 7}, 40, true},
		"little from what is far above":       {[]float64{40, 40, 40, 4000}, 44, false},
		"and has not fallen for two":          {[]float64{40, 40, 40, 3, 3}, 40, false},
		"and has not fallen for three in all": {[]float64{40, 40, 40, 3, 3, 40, 3}, 40, false},
		"and has not fallen at a fifth":       {[]float64{40, 40, 40, 8, 8, 8}, 40, false},
	} {
		p := paceOf(c.answers...)
		if got := p.Usual(); got < c.usual-0.001 || got > c.usual+0.001 || p.Fallen() != c.fallen {
			t.Errorf("%s: usually %v, fallen %v; want %v, %v", name, got, p.Fallen(), c.usual, c.fallen)
		}
	}
}

func TestOneWrongMeasureMakesNoModelSlow(t *testing.T) {
	p := paceOf(40, 40, 40, 100_000, 100_000, 40, 40, 40)
	if p.Fallen() {
		t.Errorf("%+v", p)
	}
}

func TestANewLoadKeepsWhatIsUsual(t *testing.T) {
	slow := paceOf(40, 40, 40, 3, 3, 3)
	fresh := slow.Afresh()
	if fresh.Usual() != 40 || fresh.Fallen() || !slow.Fallen() {
		t.Errorf("usually %v, fallen %v; before %v", fresh.Usual(), fresh.Fallen(), slow.Fallen())
	}
	if fresh = fresh.Add(3).Add(3); fresh.Fallen() {
		t.Error("two answers of the new load are no row")
	}
	if fresh = fresh.Add(3); !fresh.Fallen() {
		t.Error("three answers of the new load are one")
	}
}

func TestAddingToAPaceChangesNoOther(t *testing.T) {
	first := paceOf(40, 40, 40)
	slow, quick := first.Add(3).Add(3).Add(3), first.Add(40).Add(40).Add(40)
	if !slow.Fallen() || quick.Fallen() || first.Fallen() {
		t.Errorf("%v %v %v", slow.Fallen(), quick.Fallen(), first.Fallen())
	}
}
