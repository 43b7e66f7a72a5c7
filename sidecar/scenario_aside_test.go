package sidecar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar"
)

// While another model works long for its clients, the main one is not forgotten.
func TestAModelThatIsLookedAtHidesNotTheMainOne(t *testing.T) {
	t.Parallel()
	var silent switched
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world, env: []string{"CLAWGATE_STALL_TIMEOUT=3h"}, before: silent.swallow(generationOf(model))}, func(s *scenario) {
		s.reaches(sidecar.Ready, 2*time.Minute)
		s.post("/api/generate", generate(other, 3)).complete()
		time.Sleep(20 * time.Second)
		s.must(s.FreezeRunner())
		long := s.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":"x","stream":false,"options":{"num_predict":22000}}`, other))
		time.Sleep(5 * time.Second) // the probe turns to it
		s.must(s.ThawRunner())
		time.Sleep(10 * time.Second)
		silent.on.Store(true)
		struck := time.Now()
		waits := s.chat(3)
		s.within("the main model's silence", s.reaches(sidecar.Isolated, 3*time.Hour).Sub(struck), 0, 13*time.Minute)
		long.cancel()
		waits.cancel()
		long.wait()
		waits.wait()
	})
}

// What was done about another model is proved by that model, not by the main one.
func TestAnotherModelsRemedyEndsThoughTheMainOneIsBusy(t *testing.T) {
	t.Parallel()
	world := fault{}.world()
	world.Parallel = 1
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(sidecar.Ready, 2*time.Minute)
		s.Hollow(other, "@", true)
		for i := range 3 {
			s.post("/api/generate", generate(other, 40+i)).wait()
		}
		long := s.chat(10_000)
		long.begins()
		s.every(20*time.Second, func() { s.post("/api/generate", generate(other, 40)).wait() })
		if stuck := share(25*time.Minute, func() bool { return s.log.state() == sidecar.Verifying }); stuck > 0.1 {
			s.Errorf("it was verifying for %.2f of the time", stuck)
		}
		long.isOpen()
	})
}
