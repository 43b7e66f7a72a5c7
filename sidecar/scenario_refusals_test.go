package sidecar_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// A loaded model goes on answering probes while the scheduler is stuck, so that they
// refute nothing: Clawgate's own load is refused as its clients' requests are.
func TestADeadlockThatRefusesClientsIsNoticedBesideALoadedModel(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.9.6", "0.30.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: simulation.Config{Version: version, MaxQueue: 4, Parallel: 2}}, func(s *scenario) {
				s.reaches(policy.Ready, time.Minute)
				time.Sleep(3 * time.Minute)
				s.must(s.DeadlockScheduler())
				s.every(2*time.Second, func() {
					c := s.post("/api/generate", generate(other, 3))
					time.AfterFunc(30*time.Second, c.cancel)
				})
				s.reaches(policy.Isolated, 150*time.Second)
				if n := s.log.notesSince(time.Time{}, "a remedy is due"); len(n) != 1 || n[0].with["reason"] != string(verdict.Wedged) {
					t.Errorf("the remedies that are due: %v", n)
				}
				s.reaches(policy.Ready, 2*time.Minute)
				s.remedies("unload")
				s.stays(policy.Ready, 20*time.Minute)
				s.remedies()
			})
		})
	}
}

// Another machine that runs a model for Ollama, or anything before it, can write
// Ollama's 503. Words alone do nothing, whether the model is probed or not, and bring
// about a load now and then at most.
func TestRefusalsThatAreOnlyWordsDoNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		env         []string
		least, most int // loads of Clawgate's own
	}{
		{"while the model is probed", nil, 1, 5},
		{"while its keep-alive has passed", []string{"CLAWGATE_KEEP_ALIVE=1m"}, 1, 5},
		{"and Clawgate only watches", []string{"CLAWGATE_MODE=observe"}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := &liar{}
			play(t, setup{env: test.env, before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}, func(s *scenario) {
				s.post("/api/generate", generate(model, 3)).wait()
				s.reaches(policy.Ready, time.Minute)
				time.Sleep(5 * time.Minute)
				var done atomic.Pointer[note]
				s.log.heard = func(n note) {
					if harm(n) {
						done.CompareAndSwap(nil, &n)
					}
				}
				s.every(5*time.Second, func() {
					s.post("/api/generate", busyInWords).wait()
				})
				time.Sleep(20 * time.Minute)
				if n := done.Load(); n != nil {
					t.Errorf("words did harm: %s %v", n.message, n.with)
				}
				if n := s.log.count(checking); n < test.least || n > test.most {
					t.Errorf("%d loads to check words, want %d to %d", n, test.least, test.most)
				}
				s.remedies()
			})
		})
	}
}

// busyInWords has a liar say that the server is busy, and do nothing.
const busyInWords = `{"model":"` + other + `","prompt":"hello",` + said + `,"does":0,"says":7,"status":503}`

const checking = "loading a model, to see whether Ollama is as busy as it says"

// A model that finds no room beside the one in memory is not loaded to find anything
// out: Ollama would drop the other for it.
func TestRefusalsAreNotCheckedAtAnotherModelsCost(t *testing.T) {
	t.Parallel()
	world := simulation.Config{GPUBytes: 14 << 30, Models: []simulation.Model{{Name: model, Bytes: 12 << 30}, {Name: other, Bytes: 4 << 30}}}
	l := &liar{}
	play(t, setup{world: world, before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		runner := s.runner()
		s.every(5*time.Second, func() {
			s.post("/api/generate", busyInWords).wait()
		})
		s.stays(policy.Ready, 10*time.Minute)
		if n := s.log.count(checking); n > 0 || s.runner() != runner {
			t.Errorf("%d checks, runner %d was %d", n, s.runner(), runner)
		}
		s.remedies()
	})
}
