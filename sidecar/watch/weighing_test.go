package watch

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestWhatTwoReadingsSayOfAnAnswer(t *testing.T) {
	const still, moved, nothing = "still", "moved", "nothing"
	for name, c := range map[string]struct {
		before, after evidence.Activity
		want          string
	}{
		"it used CPU":                            {evidence.Activity{CPU: second}, evidence.Activity{CPU: second + answerCPU}, moved},
		"it used less than an answer costs":      {evidence.Activity{CPU: second}, evidence.Activity{CPU: second + answerCPU - 1}, still},
		"it sent something":                      {evidence.Activity{NetTx: 7}, evidence.Activity{NetTx: 7 + answerBytes}, moved},
		"it sent less than an answer takes":      {evidence.Activity{NetTx: 7}, evidence.Activity{NetTx: 6 + answerBytes}, still},
		"it received alone":                      {evidence.Activity{}, evidence.Activity{NetRx: answerBytes}, still},
		"it used CPU, and sent nothing":          {evidence.Activity{NetRx: 1}, evidence.Activity{CPU: second, NetRx: 1}, still},
		"it used CPU, and no network is counted": {evidence.Activity{}, evidence.Activity{CPU: second}, moved},
		"it sent something, and no CPU is":       {evidence.Activity{}, evidence.Activity{NetTx: answerBytes}, moved},
		"nothing is counted":                     {evidence.Activity{}, evidence.Activity{}, nothing},
	} {
		got := nothing
		switch b := (bond{}).weigh(c.before, c.after); {
		case b.still == 1 && b.moved == 0:
			got = still
		case b.moved == 1 && b.still == 0:
			got = moved
		}
		if got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatIsFoundOnceIsCountedOnce(t *testing.T) {
	b := bond{apart: true, found: 1, still: 9}.weigh(evidence.Activity{CPU: second}, evidence.Activity{CPU: second})
	if b.found != 1 || !b.apart {
		t.Errorf("%+v", b)
	}
}

func TestAnotherAnswerWouldDecide(t *testing.T) {
	readings := func(n int) []evidence.Activity { return make([]evidence.Activity, n) }
	for name, c := range map[string]struct {
		bond bond
		want bool
	}{
		"the first":                              {bond{readings: readings(1)}, true},
		"not while there is no reading":          {bond{}, false},
		"not while one waits for its reading":    {bond{readings: readings(1), ended: now}, false},
		"not where none has been found for long": {bond{readings: readings(keptReadings)}, false},
		"where some spoke against the container": {bond{readings: readings(1), still: 1}, true},
		"not where that is known":                {bond{readings: readings(1), still: 3, apart: true}, false},
		"where some spoke for another one":       {bond{readings: readings(1), moved: 1, apart: true}, true},
		"not where they speak for what is held":  {bond{readings: readings(1), moved: 1}, false},
	} {
		if got := c.bond.Wanting(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAnAnswerThatWaitsIsNotReplaced(t *testing.T) {
	b := bond{readings: []evidence.Activity{{SeenAt: ago(9 * second)}, {SeenAt: ago(5 * second)}}}
	b = b.Answered(ago(8*second), ago(7*second))
	if b = b.Answered(ago(2*second), ago(second)); !b.ended.Equal(ago(7*second)) || !b.before.SeenAt.Equal(ago(9*second)) {
		t.Errorf("%+v", b)
	}
}
