package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAnswersWithNothingInThem(t *testing.T) {
	empty := func(prompt uint64) evidence.Answer { return evidence.Answer{Hollow: true, Prompt: prompt, Tokens: 9} }
	said := func(tokens int) evidence.Answer { return evidence.Answer{Tokens: tokens} }
	for name, c := range map[string]struct {
		answers          []evidence.Answer
		counted, prompts int
	}{
		"are counted":                        {[]evidence.Answer{empty(1), empty(2)}, 2, 2},
		"to one prompt":                      {[]evidence.Answer{empty(1), empty(1)}, 2, 1},
		"until one has words in it":          {[]evidence.Answer{empty(1), said(2)}, 0, 0},
		"a single token of which is no word": {[]evidence.Answer{empty(1), said(1)}, 1, 1},
	} {
		m := &Model{}
		for _, a := range c.answers {
			m.SawAnswer(a)
		}
		if m.Hollow.Answers != c.counted || len(m.Hollow.Prompts) != c.prompts {
			t.Errorf("%s: %+v", name, m.Hollow)
		}
	}
	m := &Model{}
	for i := range uint64(2 * maxPrompts) {
		m.SawAnswer(empty(i))
	}
	if len(m.Hollow.Prompts) != maxPrompts || m.Hollow.Answers != 2*maxPrompts {
		t.Errorf("%d prompts are remembered", len(m.Hollow.Prompts))
	}
}

func TestWhatTheProbesAnswerTells(t *testing.T) {
	before := Hollow{Answers: 3, Again: true}
	for name, c := range map[string]struct {
		result evidence.ProbeResult
		hollow Hollow
		timely bool
	}{
		"words":          {evidence.ProbeResult{Outcome: evidence.Success, At: now}, Hollow{}, true},
		"words, at last": {evidence.ProbeResult{Outcome: evidence.Success, At: now, Loaded: true}, Hollow{}, false},
		"the same":       {evidence.ProbeResult{Outcome: evidence.Failure, Hollow: true, Reason: "a!"}, Hollow{Answers: 3, Again: true, Confirmed: "a!"}, false},
		"nothing":        {evidence.ProbeResult{Outcome: evidence.Failure}, before, false},
	} {
		m := &Model{Hollow: before}
		m.Heard(c.result)
		if m.Hollow.Answers != c.hollow.Answers || m.Hollow.Again != c.hollow.Again || m.Hollow.Confirmed != c.hollow.Confirmed || m.Timely != c.timely {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestANewLoadIsLookedAtAgain(t *testing.T) {
	for name, c := range map[string]struct {
		before Hollow
		again  bool
	}{
		"after answers that the probe got, too": {Hollow{Answers: 3, Confirmed: "a!"}, true},
		"after a load that did not help":        {Hollow{Again: true}, true},
		"not after what only clients got":       {Hollow{Answers: 3}, false},
	} {
		if c.before.LookAgain(); c.before.Answers > 0 || c.before.Confirmed != "" || c.before.Again != c.again {
			t.Errorf("%s: %+v", name, c.before)
		}
	}
}

func TestALoadThatWasQuickHasBecomeSlow(t *testing.T) {
	m := &Model{}
	m.Answered(ago(time.Hour), true)
	if m.Timely || !m.LateSince.Equal(ago(time.Hour)) {
		t.Errorf("%+v", m)
	}
	if m.Answered(now, true); !m.LateSince.Equal(ago(time.Hour)) {
		t.Error("it is late since the last time")
	}
	if m.Answered(now, false); !m.Timely || !m.LateSince.IsZero() {
		t.Errorf("in time: %+v", m)
	}
}

func TestALoadBeginsAnew(t *testing.T) {
	fresh := func() *Model {
		m := &Model{Answers: true, Timely: true, LateSince: now}
		for range paceAnswers {
			m.SawAnswer(evidence.Answer{PerSecond: 40, Tokens: 9})
		}
		return m
	}
	if fresh().Pace.Usual() == 0 {
		t.Error("how fast it answers is not followed")
	}
	m := fresh()
	if m.LoadSucceeded(now); !m.Present || !m.LoadedAt.Equal(now) || m.Answers || m.Timely || !m.LateSince.IsZero() || len(m.Pace.recent) > 0 || m.Pace.Usual() == 0 {
		t.Errorf("%+v", m)
	}
}

func TestUnloadsAreForgotten(t *testing.T) {
	m := &Model{}
	m.Unloaded(ago(unloadWindow))
	m.Unloaded(ago(unloadWindow - 1))
	if m.Unloaded(now); len(m.unloads) != 2 {
		t.Errorf("%v", m.unloads)
	}
}

func TestWhenTwoSignsAreOfOneDeath(t *testing.T) {
	m := &Model{}
	if !m.Crashed(time.Time{}.Add(time.Second), "exit", once(false)) {
		t.Error("the first of all is none")
	}
	m.Crashed(now, "exit", once(false))
	if m.Crashed(now.Add(sameCrash-1), "exit", once(false)) || !m.Crashed(now.Add(sameCrash), "exit", once(false)) {
		t.Errorf("%v", m.Crashes.Times())
	}
	if m.Crashes.forgetEnd(now.Add(2 * sameCrash)); !m.Crashes.Newest().Equal(now.Add(sameCrash)) {
		t.Error("the end of the container, which came later, is one of them")
	}
}

func TestAnObservationThatHoldsNothingIsReadBack(t *testing.T) {
	if seen, err := Read("tick", nil); err != nil || seen != (Tick{}) {
		t.Errorf("%+v, %v", seen, err)
	}
}
