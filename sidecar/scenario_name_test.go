package sidecar_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// idler is another container that runs and has nothing to do.
func idler() *stranger {
	return &stranger{id: "idle", status: evidence.Running, policy: "unless-stopped", networked: true}
}

// down is another container that has ended by itself.
func down() *stranger {
	return &stranger{id: "down", status: evidence.Exited, policy: "no", began: time.Now().Add(-time.Hour), died: time.Now().Add(-time.Minute)}
}

// A name that nobody has, or another container: the server is served all the same,
// and whatever happens to it, nothing is done to anybody.
func TestAWrongNameIsServedAndHealsNothing(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func() *stranger{
		"nobody's":            func() *stranger { return nil },
		"an idle container's": idler,
		"a container's that wakes up now and then": func() *stranger { o := idler(); o.cpu = 500 * time.Microsecond; return o },
		"a container's on the host's network":      func() *stranger { o := idler(); o.networked = false; return o },
		"an ended container's":                     down,
		"a stopped container's":                    func() *stranger { o := down(); o.policy = "unless-stopped"; return o },
		"a paused container's":                     func() *stranger { o := idler(); o.status = evidence.Paused; return o },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{before: func(s *scenario) { s.engine.name.is(other()) }}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.chat(3).complete()
				time.Sleep(15 * time.Second)
				s.isUnhealed()
				s.stays(policy.Ready, 10*time.Minute)
				s.chat(3).complete()

				s.must(s.FreezeServer())
				for deadline := time.Now().Add(2 * time.Minute); s.ready() && time.Now().Before(deadline); {
					time.Sleep(time.Second)
				}
				if s.ready() {
					s.Error("the gate is open before a server that is frozen")
				}
				s.refuses()
				time.Sleep(2 * time.Hour)
				s.refuses()
				s.remedies()
				s.must(s.ThawServer())
				s.reaches(policy.Ready, 2*time.Minute)
				s.chat(3).complete()
				s.remedies()
			})
		})
	}
}

// isUnhealed checks that the wrong name is told everywhere, and that a person's
// restart is refused for it.
func (s *scenario) isUnhealed() {
	s.Helper()
	trouble := s.status().Container.Trouble
	if !strings.Contains(trouble, "CLAWGATE_CONTAINER") {
		s.Errorf("the status says %q of the container, want the variable's name", trouble)
	}
	if got := s.metric("clawgate_container_stands"); got != 0 {
		s.Errorf("container_stands is %v, want 0", got)
	}
	if status, body := s.ask(http.MethodPost, "/-/restart"); status != http.StatusConflict || !strings.Contains(body, "CLAWGATE_CONTAINER") {
		s.Errorf("a restart is answered with %d %s, want 409 and the variable's name", status, body)
	}
	warned := func(n note) bool { return n.with["reason"] == trouble }
	if !slices.ContainsFunc(s.log.notesSince(time.Time{}, "nothing can be healed"), warned) {
		s.Errorf("the log has no warning that says %q", trouble)
	}
}

func (s *scenario) refuses() {
	s.Helper()
	s.post("/api/chat", chat(3)).refused()
}

// docker rename while the server answers; then it gets its name back, and is healed.
func TestARenamedContainerIsServedAndHealedAgainUnderItsName(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(1_000)
		stream.begins()
		s.engine.name.is(nil)
		s.reaches(policy.Stopped, 11*time.Second)
		s.reaches(policy.Starting, time.Second)
		s.stays(policy.Starting, 5*time.Second) // the stream moves, and began before
		stream.complete()
		s.reaches(policy.Ready, time.Second)
		s.chat(3).complete()
		s.isUnhealed()
		s.stays(policy.Ready, 10*time.Minute)

		s.engine.name.own()
		time.Sleep(11 * time.Second)
		if trouble := s.status().Container.Trouble; trouble != "" {
			s.Errorf("the status still says %q", trouble)
		}
		s.chat(3).complete()
		s.remedies()
		s.must(s.FreezeServer())
		s.reaches(policy.Isolated, time.Minute)
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("stop", "start")
	})
}

// A name that appears later: healing begins then.
func TestAContainerThatAppearsIsHealed(t *testing.T) {
	t.Parallel()
	play(t, setup{before: func(s *scenario) { s.engine.name.is(nil) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(time.Minute)
		s.engine.name.own()
		time.Sleep(15 * time.Second)
		s.must(s.FreezeServer())
		s.reaches(policy.Isolated, time.Minute)
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("stop", "start")
	})
}

// A first token of a request from before the container was gone opens nothing.
func TestATokenOfAnEarlierRequestProvesNothing(t *testing.T) {
	t.Parallel()
	world := simulation.Config{Models: []simulation.Model{{Name: model, PromptRate: 10}, {Name: other}}}
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, 30*time.Second)
		early := s.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":%q,"options":{"num_predict":2000}}`, model, strings.Repeat("word ", 300)))
		time.Sleep(time.Second)
		s.engine.name.is(nil)
		s.reaches(policy.Starting, 15*time.Second)
		early.begins()
		s.stays(policy.Starting, 30*time.Second)
		early.complete()
		s.reaches(policy.Ready, 5*time.Second)
		s.remedies()
	})
}

// A container that ends by itself while another server answers is not started.
func TestAnEndedContainerBesideTheServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	o := idler()
	o.policy = "no"
	play(t, setup{before: func(s *scenario) { s.engine.name.is(o) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(time.Second) // too soon for its counters to tell
		s.engine.name.ends(1)
		s.engine.report(evidence.ContainerEvent{At: time.Now(), ID: o.id, Action: evidence.ActionDie, ExitCode: 1})
		s.reaches(policy.Ready, 10*time.Second)
		s.stays(policy.Ready, 10*time.Minute)
		s.isUnhealed()
		s.remedies()
	})
}

// A set-up whose counters tell nothing, or little, is healed as ever.
func TestWhatCannotBeToldTakesNoHealingAway(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]setup{
		"no counters can be read":              {unmeasured: true},
		"a model that has the GPU do its work": {before: func(s *scenario) { s.engine.spare = 3 }},
		"no network counters":                  {before: func(s *scenario) { s.engine.hostNetwork = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, world, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				for range 20 {
					s.chat(3).complete()
					time.Sleep(7 * time.Second)
				}
				if trouble := s.status().Container.Trouble; trouble != "" {
					s.Errorf("the container is called another one: %s", trouble)
				}
				s.must(s.FreezeServer())
				s.reaches(policy.Isolated, 3*time.Minute)
				s.reaches(policy.Ready, 3*time.Minute)
				s.remedies("stop", "start")
			})
		})
	}
}

// The engine goes away while a server answers beside the container: serving goes on.
func TestAnEngineThatGoesAwayBesideAWrongName(t *testing.T) {
	t.Parallel()
	play(t, setup{before: func(s *scenario) { s.engine.name.is(nil) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.EngineAway(true)
		s.finds(verdict.EngineAway, 30*time.Second)
		s.stays(policy.Ready, 10*time.Minute)
		s.chat(3).complete()
		s.EngineAway(false)
		s.finds(verdict.Healthy, 30*time.Second)
		s.remedies()
	})
}
