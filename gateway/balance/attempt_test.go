package balance

import (
	"errors"
	"testing"
	"time"
)

func TestAnUnansweredRequestLeavesAClosedGateForAnOpenOne(t *testing.T) {
	for name, c := range map[string]struct {
		first, second     string
		movable, answered bool
		want              error
	}{
		"its model is closed":          {isolated, ready, true, false, errMoved},
		"all models are":               {dead, ready, true, false, errMoved},
		"it has an answer":             {isolated, ready, true, true, nil},
		"it cannot be sent again":      {isolated, ready, false, false, nil},
		"no other serves the model":    {isolated, isolated, true, false, nil},
		"the sidecar drains":           {draining, ready, true, false, nil},
		"the other drains":             {isolated, draining, true, false, nil},
		"the other cannot be reached":  {isolated, "", true, false, nil},
		"nothing is the matter":        {ready, ready, true, false, nil},
		"only the other one is closed": {ready, isolated, true, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "http://relays", two(ready, ready), func(w *world) {
				a, left := w.begin("10.0.0.1:80", "m", c.movable)
				defer w.pool.End(a)
				if c.answered {
					w.pool.Answered(a)
				}
				w.say("10.0.0.2:80", c.second)
				w.pass(2 * time.Second)
				w.say("10.0.0.1:80", c.first)
				w.pass(3 * time.Second)
				if got := isTold(left); !errors.Is(got, c.want) {
					t.Errorf("told %v, want %v", got, c.want)
				}
				if got := isTold(left); got != nil {
					t.Errorf("told twice: %v", got)
				}
			})
		})
	}
}

// What the relay refused of itself nobody has seen; the answers come one by one.
func TestOthersAtAGateThatRefusedOneAreGivenAMoment(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		a, left := w.begin("10.0.0.1:80", "m", true)
		defer w.pool.End(a)
		w.say("10.0.0.1:80", isolated)
		w.pool.Closed(w.sidecar("10.0.0.1:80"), "m", "isolated", "frozen")
		w.pass(closedSettled / 2)
		if got := isTold(left); got != nil {
			t.Errorf("told %v at once", got)
		}
		w.pass(2 * time.Second)
		if got := isTold(left); !errors.Is(got, errMoved) {
			t.Errorf("told %v", got)
		}
	})
}

func TestAnotherModelsRequestStays(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		a, left := w.begin("10.0.0.1:80", "other", true)
		defer w.pool.End(a)
		w.say("10.0.0.1:80", isolated)
		w.pass(3 * time.Second)
		if got := isTold(left); got != nil {
			t.Errorf("told %v", got)
		}
	})
}

func TestASidecarThatDoesNotAnswerLosesItsRequests(t *testing.T) {
	for name, c := range map[string]struct {
		mute, answered, movable bool
		early, late             time.Duration
	}{
		"refuses connections, unanswered":    {false, false, true, 10 * time.Second, 12 * time.Second},
		"refuses connections, answered":      {false, true, true, 29 * time.Second, 32 * time.Second},
		"refuses connections, not movable":   {false, false, false, 29 * time.Second, 32 * time.Second},
		"is mute, unanswered":                {true, false, true, 11 * time.Second, 16 * time.Second},
		"is mute, in the midst of an answer": {true, true, true, 31 * time.Second, 36 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "http://10.0.0.1", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
				a, left := w.begin("10.0.0.1:80", "m", c.movable)
				defer w.pool.End(a)
				if c.answered {
					w.pool.Answered(a)
				}
				w.mu.Lock()
				w.says["10.0.0.1:80"], w.mute["10.0.0.1:80"] = "", c.mute
				w.mu.Unlock()
				w.pass(c.early)
				if got := isTold(left); got != nil {
					t.Errorf("told %v after %v", got, c.early)
				}
				w.pass(c.late - c.early)
				if got := isTold(left); !errors.Is(got, ErrLost) {
					t.Errorf("told %v after %v", got, c.late)
				}
				w.pass(time.Minute)
				if got := isTold(left); got != nil {
					t.Errorf("told twice: %v", got)
				}
			})
		})
	}
}

func TestAShortAbsenceLosesNothing(t *testing.T) {
	inWorld(t, "http://10.0.0.1", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
		a, left := w.begin("10.0.0.1:80", "m", true)
		defer w.pool.End(a)
		for range 5 {
			w.say("10.0.0.1:80", "")
			w.pass(9 * time.Second)
			w.say("10.0.0.1:80", ready)
			w.pass(2 * time.Second)
		}
		if got := isTold(left); got != nil {
			t.Errorf("told %v", got)
		}
	})
}

func TestARemovedSidecarThatDoesNotAnswerLosesItsRequestsToo(t *testing.T) {
	inWorld(t, "http://relays", two(ready, ready), func(w *world) {
		a, left := w.begin("10.0.0.1:80", "m", true)
		defer w.pool.End(a)
		w.name([]string{"10.0.0.2"}, nil)
		w.pass(resolveInterval)
		w.say("10.0.0.1:80", "")
		w.pass(40 * time.Second)
		if got := isTold(left); !errors.Is(got, ErrLost) {
			t.Errorf("told %v: it waits for ever at an address that is gone", got)
		}
		if chosen := w.chosen("m"); chosen != "10.0.0.2:80" {
			t.Errorf("chose %q", chosen)
		}
	})
}
