package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func once(already bool) func() bool { return func() bool { return already } }

// failed is a model that has answered, then failed a probe, died and found no room.
func failed(at time.Time) *Model {
	m := &Model{Token: at, Streak: Streak{Successes: 3}, Doubted: true}
	m.Crashed(at.Add(time.Minute), "exit", once(false))
	m.NoRoom.add(at.Add(time.Minute), m.run, "no room")
	return m
}

func TestAFailureIsUnresolved(t *testing.T) {
	t0 := time.Now()
	for name, c := range map[string]struct {
		then func(*Model)
		want bool
	}{
		"until something goes well":       {func(*Model) {}, true},
		"not after a token":               {func(m *Model) { m.Token = t0.Add(2 * time.Minute) }, false},
		"though an earlier one is told":   {func(m *Model) { m.Token = t0.Add(30 * time.Second) }, true},
		"not after a load":                {func(m *Model) { m.LoadedAt = t0.Add(2 * time.Minute) }, false},
		"not in the next run":             {(*Model).RunEnded, false},
		"though what was proved is over":  {(*Model).Unprove, true},
		"though it is loaded anew":        {(*Model).Reloaded, true},
		"though the container was raised": {(*Model).containerStarted, true},
		"of the main one, if looked at":   {func(m *Model) { m.lookedAt(true) }, true},
		"not of another, if looked at":    {func(m *Model) { m.lookedAt(false) }, false},
		"but of another that fails again": {func(m *Model) {
			m.lookedAt(false)
			m.Crashed(t0.Add(2*time.Minute), "exit", once(false))
			m.NoRoom.add(t0.Add(2*time.Minute), m.run, "no room")
		}, true},
		"if it is of the next run": {func(m *Model) {
			m.RunEnded()
			m.Crashed(t0.Add(2*time.Minute), "exit", once(false))
			m.NoRoom.add(t0.Add(2*time.Minute), m.run, "no room")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := failed(t0)
			c.then(m)
			if got := m.Unresolved(m.Crashes); got != c.want {
				t.Errorf("a crash: %v", got)
			}
			if got := m.MemoryTrouble(t0.Add(3 * time.Minute)).Unresolved; got != c.want {
				t.Errorf("want of memory: %v", got)
			}
			if len(m.Crashes.list) == 0 {
				t.Error("it is forgotten how often it failed")
			}
		})
	}
}

// What a look at a model begins with.
func TestALookBegins(t *testing.T) {
	good, bad := Streak{Successes: 2}, Streak{Failures: 1}
	for name, c := range map[string]struct {
		main   bool
		streak Streak
		want   Streak
	}{
		"the main model proved itself":      {true, good, good},
		"the main model had begun to fail":  {true, bad, Streak{}},
		"another one proved itself earlier": {false, good, Streak{}},
		"another one failed earlier":        {false, bad, Streak{}},
	} {
		m := failed(time.Now())
		m.Streak = c.streak
		m.lookedAt(c.main)
		if m.Streak != c.want || m.Doubted {
			t.Errorf("%s: %+v, Doubted: %v", name, m.Streak, m.Doubted)
		}
		if counted := len(m.Crashes.Times()) == 1; counted != c.main {
			t.Errorf("%s: its crash counts: %v", name, counted)
		}
		if len(m.Crashes.list) != 1 {
			t.Errorf("%s: its crash does not count towards its being kept out", name)
		}
	}
}

func TestOneDeathIsOneCrash(t *testing.T) {
	t0 := time.Now()
	for name, c := range map[string]struct {
		after   time.Duration
		counted bool // a crash by the same request
		token   time.Duration
		want    int
		first   time.Duration // of those that count
	}{
		"two streams that it cut":            {time.Second, false, 0, 1, 0},
		"a token between two deaths":         {time.Second, false, 500 * time.Millisecond, 2, 0},
		"a later one":                        {time.Minute, false, 0, 2, 0},
		"the same request, sent once more":   {time.Minute, true, 0, 1, time.Minute},
		"one that lies too far back":         {CrashWindow + time.Second, false, 0, 1, CrashWindow + time.Second},
		"one that lies just not too far":     {CrashWindow, false, 0, 2, 0},
		"the same request, at the same time": {time.Second, true, 0, 1, 0},
	} {
		m := &Model{}
		m.Crashed(t0, "exit", once(false))
		if c.token > 0 {
			m.Token = t0.Add(c.token)
		}
		m.Crashed(t0.Add(c.after), "exit", once(c.counted))
		if times := m.Crashes.Times(); len(times) != c.want || !times[0].Equal(t0.Add(c.first)) {
			t.Errorf("%s: %v", name, times)
		}
	}
}

// A model that died just before the probe turned to it, and dies again or is told of
// again, is dead for this look: the probe's own answer may tell of it.
func TestADeathThatIsToldOfAgainInALookCounts(t *testing.T) {
	m, t0 := &Model{}, time.Now()
	m.Crashed(t0, "exit", once(false))
	m.lookedAt(false)
	if fresh := m.Crashed(t0.Add(time.Second), "exit", once(false)); !fresh || !m.Unresolved(m.Crashes) || len(m.Crashes.Times()) != 1 {
		t.Errorf("new: %v, %+v", fresh, m.Crashes)
	}
	if fresh := m.Crashed(t0.Add(2*time.Second), "exit", once(false)); fresh || len(m.Crashes.list) != 1 {
		t.Errorf("it counts twice: %+v", m.Crashes)
	}
}

func TestTheEndOfTheContainerIsNoCrash(t *testing.T) {
	m, t0 := &Model{}, time.Now()
	m.Crashed(t0, "exit", once(false))
	m.Crashed(t0.Add(time.Minute), "exit", once(false))
	m.Crashes.forgetEnd(t0.Add(time.Minute + time.Second))
	if times := m.Crashes.Times(); !slices.Equal(times, []time.Time{t0}) {
		t.Errorf("%v are left", times)
	}
}

// Of want of memory counts what came since the last token, and that not for ever.
func TestWantOfMemoryCounts(t *testing.T) {
	m, t0 := &Model{}, time.Now()
	for _, at := range []time.Duration{0, time.Minute, 2 * time.Minute} {
		m.NoRoom.add(t0.Add(at), m.run, "no room")
	}
	if got := m.MemoryTrouble(t0.Add(3 * time.Minute)).Times; len(got) != 3 {
		t.Errorf("%v", got)
	}
	if got := m.MemoryTrouble(t0.Add(CrashWindow + time.Minute)).Times; len(got) != 2 {
		t.Errorf("at the end of the window: %v", got)
	}
	m.Token = t0.Add(time.Minute)
	if got := m.MemoryTrouble(t0.Add(3 * time.Minute)).Times; len(got) != 1 {
		t.Errorf("after a Token: %v", got)
	}
	if trouble := m.MemoryTrouble(t0.Add(time.Hour)); len(trouble.Times) > 0 || trouble.Unresolved {
		t.Errorf("after an hour: %+v", trouble)
	}
}

func TestUnloadsAreSpent(t *testing.T) {
	m, t0 := &Model{}, time.Now()
	for i := range unloadLimit {
		if m.UnloadsSpent(t0) {
			t.Errorf("after %d", i)
		}
		m.Unloaded(t0)
	}
	if !m.UnloadsSpent(t0) || m.UnloadsSpent(t0.Add(unloadWindow)) {
		t.Error("they are not spent, or for ever")
	}
}

// A new run has to prove itself, and a rung that leaves the server running takes
// nothing back from the models that it is not about.
func TestARunEnds(t *testing.T) {
	m := failed(time.Now())
	m.Pace, m.Answers, m.UsedThisRun = m.Pace.Add(50), true, true
	m.Count(evidence.ProbeResult{Outcome: evidence.Success})
	m.RunEnded()
	if m.Streak.Successes > 0 || m.Doubted {
		t.Errorf("what the run before proved is left: %+v", m.Streak)
	}
	if !m.Answers || !m.UsedThisRun || m.Token.IsZero() {
		t.Error("the container still runs, and what was loaded may be")
	}
	m.containerStarted()
	if m.Answers || m.UsedThisRun {
		t.Error("the container does not run any more")
	}
}

// Another load is looked at because of the one before, until an answer to the probe has
// words in it.
func TestHollowAnswersAreFollowed(t *testing.T) {
	m, success := &Model{}, evidence.ProbeResult{Outcome: evidence.Success}
	for range 2 {
		m.SawAnswer(evidence.Answer{Hollow: true, Prompt: 7})
	}
	m.Heard(evidence.ProbeResult{Outcome: evidence.Failure, Hollow: true, Reason: "nothing"})
	if h := m.Hollow; h.Answers != 2 || !slices.Equal(h.Prompts, []uint64{7}) || h.Confirmed != "nothing" || h.Again {
		t.Errorf("as they came: %+v", h)
	}
	if m.Reloaded(); m.Hollow.Answers > 0 || m.Hollow.Confirmed != "" || !m.Hollow.Again {
		t.Errorf("after another load: %+v", m.Hollow)
	}
	m.SawAnswer(evidence.Answer{Hollow: true, Prompt: 8})
	if m.Heard(success); m.Hollow.Again || m.Hollow.Answers > 0 || m.Hollow.Prompts != nil {
		t.Errorf("after an answer of words: %+v", m.Hollow)
	}
}

func TestARowOfRefusalsEndsWithTheContainersRun(t *testing.T) {
	s := New("main:latest")
	s.Refused = Refusals{First: ago(time.Minute), Last: now, Own: now, Count: 3, Model: "other:latest"}
	if s.ContainerStarted(); s.Refused != (Refusals{Model: "other:latest"}) {
		t.Errorf("%+v", s.Refused)
	}
}
