package sidecar_test

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

func TestHeldRequestsAreAnsweredWhenTheModelIsReady(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		env     []string
		headers []string
		held    bool
	}{
		{"as the client prefers", nil, []string{"Prefer", "wait=90"}, true},
		{"as configured for everybody", []string{"CLAWGATE_HOLD=90s"}, nil, true},
		{"the client wants less than is configured", []string{"CLAWGATE_HOLD=90s"}, []string{"Prefer", "wait=5"}, false},
		{"more than is allowed is cut", []string{"CLAWGATE_HOLD_MAX=5s"}, []string{"Prefer", "wait=90"}, false},
		{"nobody asked for it", nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{env: test.env}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.must(s.FreezeServer())
				s.reaches(policy.Recovering, time.Minute)
				c := s.post("/api/chat", chat(3), test.headers...)
				time.Sleep(time.Second)
				if test.headers != nil || test.env != nil {
					c.isOpen()
					if held := s.metric("clawgate_requests_held"); held != 1 {
						s.Errorf("%v requests are held", held)
					}
				}
				if !test.held {
					c.refused()
					return
				}
				ready := s.reaches(policy.Ready, 2*time.Minute)
				c.complete()
				s.within("the answer after the recovery", c.ended.Sub(ready), 0, time.Second)
			})
		})
	}
}

// The estimate in Retry-After-Ms comes from the last recovery and shrinks.
func TestRefusalsEstimateWhatIsLeft(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		for round := range 2 {
			s.must(s.FreezeServer())
			isolated := s.reaches(policy.Isolated, time.Minute)
			var estimates []time.Duration
			for range 4 {
				time.Sleep(7 * time.Second)
				retryAfter, estimate := s.chat(3).refused()
				s.within("Retry-After", retryAfter, time.Minute, time.Minute)
				estimates = append(estimates, estimate)
			}
			asked := time.Now()
			ready := s.reaches(policy.Ready, 2*time.Minute)
			for i := 1; i < len(estimates); i++ {
				if estimates[i] >= estimates[i-1] {
					s.Errorf("the estimates do not shrink: %v", estimates)
				}
			}
			if round == 1 { // it has learned
				s.within("the last estimate", estimates[3]-ready.Sub(asked), -10*time.Second, 10*time.Second)
			}
			s.within("the recovery", ready.Sub(isolated), 37*time.Second, 40*time.Second)
			time.Sleep(15 * time.Minute)
		}
	})
}
