package sidecar_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
)

func listOfModels(r *http.Request, _ string) bool { return r.URL.Path == "/api/tags" }

// A list of models that lies on a slow disk is no silent server.
func TestASlowListOfModelsIsNoSilence(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"under load": 6 * time.Second, "idle": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var slow switched
			play(t, setup{world: fault{}.world(), before: slow.swallow(listOfModels)}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				time.Sleep(time.Minute)
				slow.on.Store(true)
				s.every(pause, func() { s.chat(3).wait() })
				open := share(30*time.Minute, s.ready)
				s.remedies()
				if open < 1 {
					s.Errorf("the gate was open for %.2f of the time", open)
				}
			})
		})
	}
}

func TestASlowListBesideAnXidShutsNothing(t *testing.T) {
	t.Parallel()
	var slow switched
	play(t, setup{world: fault{}.world(), before: slow.swallow(listOfModels)}, func(s *scenario) {
		s.reaches(policy.Ready, 2*time.Minute)
		s.Advise(evidence.AdviceReboot)
		s.RaiseXid(119)
		time.Sleep(30 * time.Second)
		long := s.chat(6000)
		long.begins()
		slow.on.Store(true)
		if open := share(10*time.Minute, s.ready); open < 1 {
			s.Errorf("the gate was open for %.2f of the time: %s", open, s.verdict().Sentence)
		}
		long.isOpen()
	})
}
