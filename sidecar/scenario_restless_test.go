package sidecar_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

// loops has the engine start a stranger again and again that ends by itself after
// each run.
func (s *scenario) loops(run, rest time.Duration) {
	o := idler()
	s.every(rest, func() {
		o.began = time.Now()
		o.restarts++
		again := *o
		s.engine.name.is(&again)
		s.engine.report(evidence.ContainerEvent{At: time.Now(), ID: o.id, Action: evidence.ActionStart})
		time.Sleep(run)
		s.engine.name.ends(1)
		s.engine.report(evidence.ContainerEvent{At: time.Now(), ID: o.id, Action: evidence.ActionDie, ExitCode: 1})
	})
}

// Each run of a container that is not the server is no new run of the server: a model
// that loads for longer than such a run lasts is loaded all the same.
func TestAContainerInACrashLoopShutsNoGateOfAnother(t *testing.T) {
	t.Parallel()
	for _, run := range []time.Duration{3 * time.Second, 12 * time.Second} {
		t.Run(run.String(), func(t *testing.T) {
			t.Parallel()
			world := simulation.Config{Models: []simulation.Model{{Name: model, LoadTakes: 40 * time.Second}, {Name: other}}}
			play(t, setup{world: world, before: func(s *scenario) { s.engine.name.is(idler()) }}, func(s *scenario) {
				s.reaches(policy.Ready, 2*time.Minute)
				s.loops(run, time.Second)
				time.Sleep(time.Minute)
				s.unload(model)
				s.stays(policy.Ready, 10*time.Minute)
				s.chat(3).complete()
				if told := len(s.log.notesSince(time.Time{}, "nothing can be healed")); told > 4 {
					s.Errorf("it is told %d times that nothing can be healed", told)
				}
				s.remedies()
			})
		})
	}
}

// A container that wakes up now and then does so beside answers, too. That is no sign
// of the server for long.
func TestAContainerThatWakesUpIsTakenForTheServerSeldom(t *testing.T) {
	t.Parallel()
	for _, wakes := range []int{10, 30} {
		t.Run(fmt.Sprint(wakes), func(t *testing.T) {
			t.Parallel()
			o := idler()
			o.wakes, o.networked = wakes, false
			play(t, setup{before: func(s *scenario) { s.engine.name.is(o) }}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.stays(policy.Ready, time.Hour)
				if taken := len(s.log.notesSince(time.Time{}, "the container can be healed again")); taken > 6 {
					s.Errorf("it was taken for the server %d times", taken)
				}
				s.isUnhealed()
			})
		})
	}
}

// No inspection tells of another run of a server that is not the container. What it
// proved before is proven anew.
func TestAServerBesideTheContainerIsProvenAnewAfterItsRestart(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func() *stranger{"nobody's name": func() *stranger { return nil }, "an idle container's": idler, "an ended container's": down} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) { s.engine.name.is(other()) }}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				for i := range 20 { // at any point of the rhythm of probes
					time.Sleep(time.Minute + time.Duration(i)*1777*time.Millisecond)
					s.StallLoads(true)
					s.must(s.OperatorStop(s.Context()))
					time.Sleep(200 * time.Millisecond)
					_ = s.chat(3) // it finds nobody
					time.Sleep(300 * time.Millisecond)
					s.must(s.OperatorStart(s.Context()))
					time.Sleep(10 * time.Second)
					if s.ready() {
						s.Error("it calls itself ready before a server whose model does not load")
					}
					s.StallLoads(false)
				}
				s.reaches(policy.Ready, time.Minute)
				s.remedies()
			})
		})
	}
}

// A person stopped the container, and another server answered for a while. A restart
// by hand starts the container as ever once that one has gone.
func TestARestartByHandAfterTheOtherServerHasGone(t *testing.T) {
	t.Parallel()
	play(t, setup{before: func(s *scenario) {
		o := down()
		o.policy = "unless-stopped"
		s.engine.name.is(o)
	}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.isUnhealed()
		s.must(s.OperatorStop(s.Context())) // of the other server
		s.reaches(policy.Stopped, 10*time.Second)
		s.stays(policy.Stopped, time.Minute)
		if trouble := s.status().Container.Trouble; trouble != "" {
			s.Errorf("the status says %q although nobody answers", trouble)
		}
		s.operate("restart")
		time.Sleep(time.Second)
		s.remedies("start")
	})
}

// A server whose list of models is an error answers tokens all the same.
func TestAnOddListBesideAWrongName(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func() *stranger{"nobody's": func() *stranger { return nil }, "an ended container's": down} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) {
				s.engine.name.is(other())
				s.odd.inPlace(only(s, "/api/tags", says(http.StatusInternalServerError, `{"error":"bad manifest"}`)))
			}}, func(s *scenario) {
				s.reaches(policy.Ready, 30*time.Second)
				s.chat(3).complete()
				s.isUnhealed()
			})
		})
	}
}

// A container that works for itself makes nobody wait for a frozen server.
func TestABusyContainerThatIsNotTheServerHidesNoStall(t *testing.T) {
	t.Parallel()
	o := idler()
	o.cpu = time.Second
	play(t, setup{env: []string{"CLAWGATE_STALL_TIMEOUT=30s"}, before: func(s *scenario) { s.engine.name.is(o) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(30 * time.Second)
		s.isUnhealed()
		stream := s.chat(20_000)
		stream.begins()
		s.must(s.FreezeServer())
		time.Sleep(time.Minute)
		select {
		case <-stream.done:
		default:
			s.must(s.ThawServer())
			s.Fatal("the stream hangs")
		}
		s.refuses()
		s.remedies()
	})
}

// What another container holds on the GPU is no leak of the server's.
func TestAnotherContainersGPUMemoryIsNoLeak(t *testing.T) {
	t.Parallel()
	o := idler()
	o.held = 4 << 30
	play(t, setup{before: func(s *scenario) { s.engine.name.is(o) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(15 * time.Minute)
		if now := s.verdict(); now.Name != "healthy" {
			s.Errorf("the verdict is %s: %s", now.Name, now.Sentence)
		}
	})
}

// A model that is dead beside a wrong name is not unloaded either.
func TestAFrozenRunnerBesideAWrongNameIsNotUnloaded(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func() *stranger{"nobody's": func() *stranger { return nil }, "an idle container's": idler, "an ended container's": down} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) { s.engine.name.is(other()) }}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				time.Sleep(30 * time.Second)
				go func() { _ = s.Bypass(s.Context(), model, 200_000) }() // it keeps Ollama from mending itself
				time.Sleep(time.Second)
				s.must(s.FreezeRunner())
				time.Sleep(10 * time.Minute)
				s.refuses()
				s.remedies()
			})
		})
	}
}

// A name that comes and goes cuts nothing, and the container is healed afterwards.
func TestANameThatComesAndGoes(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{3 * time.Second, 25 * time.Second} {
		t.Run(pause.String(), func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				for range 20 {
					s.engine.name.is(nil)
					time.Sleep(pause)
					s.engine.name.own()
					time.Sleep(pause)
					s.chat(3).complete()
				}
				s.remedies()
				s.must(s.FreezeServer())
				s.reaches(policy.Recovering, time.Minute)
				s.reaches(policy.Ready, 2*time.Minute)
				s.remedies("stop", "start")
			})
		})
	}
}

// A restart by hand that waits for a stream is for the container that it was asked for.
func TestARestartByHandIsNotForWhoGetsTheName(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func() *stranger{"nobody": func() *stranger { return nil }, "an idle container": idler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				stream := s.chat(1_500)
				stream.begins()
				s.operate("restart")
				s.reaches(policy.Isolated, time.Second)
				s.engine.name.is(other())
				stream.complete()
				s.reaches(policy.Ready, time.Minute)
				s.stays(policy.Ready, 2*time.Minute)
				s.remedies()
			})
		})
	}
}
