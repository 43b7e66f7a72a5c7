package sidecar_test

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

// decoy is something that looks like a fault and is none. Whatever it looks
// like, nothing may be done about it.
type decoy struct {
	name  string
	world simulation.Config
	env   []string
	// first happens before the sidecar starts, once is done when the model is
	// ready, and often is done again and again from then on.
	first, once, often func(s *scenario)
	pause              time.Duration // from one time to the next; 5 min
	// lonely decoys would not be what they are with other clients beside them.
	lonely bool
}

// decoyTakes is how long each decoy goes on, and longer while the last one is
// under way.
func decoyTakes() time.Duration {
	if raced {
		return 10 * time.Minute
	}
	return time.Hour
}

func TestDecoysAreLeftAlone(t *testing.T) {
	t.Parallel()
	for _, d := range append(append(patienceDecoys(), clientDecoys()...), append(gpuDecoys(), hostDecoys()...)...) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: d.model(), env: d.env, before: d.first}, d.act)
		})
	}
}

// model fills the world with what the decoy does not say.
func (d decoy) model() simulation.Config {
	if d.world.Models == nil {
		d.world.Models = []simulation.Model{
			{Name: model, Bytes: 10 << 30, LoadTakes: 20 * time.Second, TokenInterval: 250 * time.Millisecond},
			{Name: other, Bytes: 4 << 30, LoadTakes: 5 * time.Second, TokenInterval: 250 * time.Millisecond},
		}
	}
	if d.world.Parallel == 0 {
		d.world.Parallel = 2
	}
	return d.world
}

func (d decoy) act(s *scenario) {
	s.reaches(policy.Ready, 10*time.Minute)
	users := s.gather(20 * time.Second)
	if !d.lonely {
		users.join(model)
	}
	if d.once != nil {
		d.once(s)
	}
	for began := time.Now(); time.Since(began) < decoyTakes(); {
		if d.often != nil {
			d.often(s)
		}
		time.Sleep(max(d.pause, time.Second))
	}
	users.leave()
	s.log.remark("the decoy is over")
	s.calms()
	s.remedies()
	s.chat(3).complete()
}
