package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// watchedServer is a container whose counters are read every two seconds beside one
// answer of the server's in between. Each answer costs the container that much.
func watchedServer(b bond, from time.Time, answers int, cpu time.Duration, tx uint64, networked bool) (bond, time.Time) {
	reading := evidence.Activity{SeenAt: from, CPU: time.Second}
	if networked {
		reading.NetRx, reading.NetTx = 1000, 1000
	}
	b = b.Read(from, reading)
	for range answers {
		b = b.Answered(reading.SeenAt.Add(time.Second), reading.SeenAt.Add(1100*time.Millisecond))
		reading.SeenAt = reading.SeenAt.Add(2 * time.Second)
		reading.CPU += cpu
		if networked {
			reading.NetTx += tx
		}
		b = b.Read(reading.SeenAt.Add(-time.Millisecond), reading)
	}
	return b, reading.SeenAt
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
			if b, _ := watchedServer(bond{}, ago(time.Hour), c.answers, c.cpu, c.tx, c.networked); b.Apart() != c.apart {
				t.Errorf("apart %v, want %v: %+v", b.Apart(), c.apart, b)
			}
		})
	}
}

func TestABondIsFoundAgainAfterAsManyAnswers(t *testing.T) {
	b, at := watchedServer(bond{}, ago(time.Hour), 3, 0, 0, true)
	b = b.NewRun() // it was started again, and may be the server now
	if !b.Apart() {
		t.Fatal("a new run of another container is taken for the server")
	}
	b, at = watchedServer(b, at, 2, time.Millisecond, 300, true)
	if !b.Apart() || !b.Wanting() {
		t.Errorf("two answers have decided: %+v", b)
	}
	if b, _ = watchedServer(b, at.Add(time.Second), 1, time.Millisecond, 300, true); !b.Apart() {
		t.Errorf("the counters ran backwards, and what was before still counts: %+v", b)
	}
	if b, _ = watchedServer(b, at.Add(time.Minute), 3, time.Millisecond, 300, true); b.Apart() {
		t.Errorf("three answers are not enough: %+v", b)
	}
}

// Twice as many answers each time take a finding back: a container that works now and
// then is taken for the server ever more seldom.
func TestAFindingIsTakenBackByTwiceAsManyAnswersEachTime(t *testing.T) {
	b, at := bond{}, ago(24*time.Hour)
	for _, answers := range []int{3, 6, 12, 24, 48, 96, 192, 192, 192} {
		b, at = watchedServer(b, at.Add(time.Minute), 3, 0, 0, true)
		if b, at = watchedServer(b, at.Add(time.Minute), answers-1, time.Millisecond, 300, true); !b.Apart() {
			t.Errorf("%d answers have decided", answers-1)
		}
		reading := b.readings[len(b.readings)-1]
		b = b.Answered(at.Add(time.Second), at.Add(time.Second))
		reading.SeenAt, reading.CPU, reading.NetTx = at.Add(2*time.Second), reading.CPU+time.Millisecond, reading.NetTx+300
		if b = b.Read(reading.SeenAt, reading); b.Apart() {
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
			var b bond
			for i := range 6 {
				from := ago(time.Hour - time.Duration(i)*time.Minute)
				b = bond{apart: b.apart, still: b.still}
				b = b.Read(from, evidence.Activity{SeenAt: from.Add(read.before), CPU: time.Second})
				b = b.Answered(from.Add(time.Second), from.Add(2*time.Second))
				b = b.Read(from.Add(read.asked), evidence.Activity{SeenAt: from.Add(3 * time.Second), CPU: time.Second})
			}
			if b.Apart() || b.still > 0 {
				t.Errorf("it counted: %+v", b)
			}
		})
	}
}

func TestCountersThatStayAtZeroTellNothing(t *testing.T) {
	b, from := bond{}, ago(time.Hour)
	for i := range 20 {
		at := from.Add(time.Duration(i) * 2 * time.Second)
		b = b.Read(at, evidence.Activity{SeenAt: at})
		b = b.Answered(at.Add(time.Second), at.Add(time.Second))
	}
	if b.Apart() || b.Wanting() {
		t.Errorf("%+v", b)
	}
}
