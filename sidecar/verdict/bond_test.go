package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// watchedServer is a container whose counters are read every two seconds beside one
// answer of the server's in between. Each answer costs the container that much.
func watchedServer(bond Bond, from time.Time, answers int, cpu time.Duration, tx uint64, networked bool) (Bond, time.Time) {
	reading := evidence.Activity{SeenAt: from, CPU: time.Second}
	if networked {
		reading.NetRx, reading.NetTx = 1000, 1000
	}
	bond = bond.Read(from, reading)
	for range answers {
		bond = bond.Answered(reading.SeenAt.Add(time.Second), reading.SeenAt.Add(1100*time.Millisecond))
		reading.SeenAt = reading.SeenAt.Add(2 * time.Second)
		reading.CPU += cpu
		if networked {
			reading.NetTx += tx
		}
		bond = bond.Read(reading.SeenAt.Add(-time.Millisecond), reading)
	}
	return bond, reading.SeenAt
}

func TestAContainerThatDoesNothingBesideAnswersIsKnownApart(t *testing.T) {
	for name, c := range map[string]struct {
		answers   int
		cpu       time.Duration
		tx        uint64
		networked bool
		apart     bool
	}{
		"still":                             {3, 0, 0, true, true},
		"still, on the host's network":      {3, 0, 0, false, true},
		"still, twice":                      {2, 0, 0, true, false},
		"it works and sends nothing":        {3, time.Second, 0, true, true},
		"it sends and does not work":        {3, 0, 1 << 20, true, true},
		"the cheapest answer":               {9, answerCPU, answerBytes, true, false},
		"a GPU does the work":               {9, time.Millisecond, 300, true, false},
		"works, on the host's network":      {9, time.Millisecond, 0, false, false},
		"works beside others, all the time": {9, 2 * time.Second, 1 << 20, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			if bond, _ := watchedServer(Bond{}, ago(time.Hour), c.answers, c.cpu, c.tx, c.networked); bond.Apart() != c.apart {
				t.Errorf("apart %v, want %v: %+v", bond.Apart(), c.apart, bond)
			}
		})
	}
}

func TestABondIsFoundAgainAfterAsManyAnswers(t *testing.T) {
	bond, at := watchedServer(Bond{}, ago(time.Hour), 3, 0, 0, true)
	bond = bond.NewRun() // it was started again, and may be the server now
	if !bond.Apart() {
		t.Fatal("a new run of another container is taken for the server")
	}
	bond, at = watchedServer(bond, at, 2, time.Millisecond, 300, true)
	if !bond.Apart() || !bond.Wanting() {
		t.Errorf("two answers have decided: %+v", bond)
	}
	if bond, _ = watchedServer(bond, at.Add(time.Second), 1, time.Millisecond, 300, true); !bond.Apart() {
		t.Errorf("the counters ran backwards, and what was before still counts: %+v", bond)
	}
	if bond, _ = watchedServer(bond, at.Add(time.Minute), 3, time.Millisecond, 300, true); bond.Apart() {
		t.Errorf("three answers are not enough: %+v", bond)
	}
}

// Twice as many answers each time take a finding back: a container that works now and
// then is taken for the server ever more seldom.
func TestAFindingIsTakenBackByTwiceAsManyAnswersEachTime(t *testing.T) {
	bond, at := Bond{}, ago(24*time.Hour)
	for _, answers := range []int{3, 6, 12, 24, 48, 96, 192, 192, 192} {
		bond, at = watchedServer(bond, at.Add(time.Minute), 3, 0, 0, true)
		if bond, at = watchedServer(bond, at.Add(time.Minute), answers-1, time.Millisecond, 300, true); !bond.Apart() {
			t.Errorf("%d answers have decided", answers-1)
		}
		reading := bond.readings[len(bond.readings)-1]
		bond = bond.Answered(at.Add(time.Second), at.Add(time.Second))
		reading.SeenAt, reading.CPU, reading.NetTx = at.Add(2*time.Second), reading.CPU+time.Millisecond, reading.NetTx+300
		if bond = bond.Read(reading.SeenAt, reading); bond.Apart() {
			t.Errorf("%d answers are not enough", answers)
		}
		at = reading.SeenAt
	}
}

// A reading that may have been taken before the end of the answer says nothing of it,
// nor does one that was taken after its beginning.
func TestOnlyReadingsAroundAnAnswerCount(t *testing.T) {
	for name, read := range map[string]struct{ before, asked time.Duration }{
		"the first came after the request":        {1500 * time.Millisecond, 3 * time.Second},
		"the second was asked for before its end": {0, 1900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var bond Bond
			for i := range 6 {
				from := ago(time.Hour - time.Duration(i)*time.Minute)
				bond = Bond{apart: bond.apart, still: bond.still}
				bond = bond.Read(from, evidence.Activity{SeenAt: from.Add(read.before), CPU: time.Second})
				bond = bond.Answered(from.Add(time.Second), from.Add(2*time.Second))
				bond = bond.Read(from.Add(read.asked), evidence.Activity{SeenAt: from.Add(3 * time.Second), CPU: time.Second})
			}
			if bond.Apart() || bond.still > 0 {
				t.Errorf("it counted: %+v", bond)
			}
		})
	}
}

func TestCountersThatStayAtZeroTellNothing(t *testing.T) {
	bond, from := Bond{}, ago(time.Hour)
	for i := range 20 {
		at := from.Add(time.Duration(i) * 2 * time.Second)
		bond = bond.Read(at, evidence.Activity{SeenAt: at})
		bond = bond.Answered(at.Add(time.Second), at.Add(time.Second))
	}
	if bond.Apart() || bond.Wanting() {
		t.Errorf("%+v", bond)
	}
}
