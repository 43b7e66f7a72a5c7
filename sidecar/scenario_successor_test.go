package sidecar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/simulation"
)

// A Clawgate was killed in the middle of a restart: its journal says that it
// wanted to stop and start the container, and how far it came is to be seen.
func TestSuccessorFinishesOrDropsTheRestartOfAKilledClawgate(t *testing.T) {
	t.Parallel()
	stop := func(s *scenario) { s.must(s.World.Stop(s.Context(), s.inspect().Identity, time.Minute)) }
	for _, test := range []struct {
		name     string
		happened func(s *scenario) // between the intent and the successor
		remedies []string
	}{
		{"before the stop: it is dropped", func(*scenario) {}, nil},
		{"between stop and start: it is finished", stop, []string{"start"}},
		{"after the start: it is dropped", func(s *scenario) {
			stop(s)
			s.must(s.OperatorStart(s.Context()))
		}, nil},
		{"and the container was made anew: it is dropped", func(s *scenario) {
			stop(s)
			s.must(s.OperatorRecreate(s.Context()))
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			play(t, setup{away: true}, func(s *scenario) {
				s.intend()
				test.happened(s)
				s.start()
				s.reaches(policy.Ready, 20*time.Second)
				s.remedies(test.remedies...)
				s.chat(3).complete()
				if left := s.status().Budget.Remaining; left != 3 {
					s.Errorf("%d restarts left; the killed one paid", left)
				}
				time.Sleep(time.Minute + inspected)
				s.must(s.OperatorStop(s.Context())) // and nothing of the intent is left
				s.reaches(policy.Stopped, 5*time.Second)
				s.stays(policy.Stopped, 5*time.Minute)
				s.remedies()
			})
		})
	}
}

// inspected is the longest time between two inspections.
const inspected = 10 * time.Second

// intend leaves in the state folder what a Clawgate does that is about to stop
// the container.
func (s *scenario) intend() {
	s.Helper()
	settings, err := config.Load(s.env)
	s.must(err)
	journal, err := recovery.OpenJournal(settings.StateDir)
	s.must(err)
	s.must(journal.Begin(recovery.Intent{Container: s.inspect().Identity, Reason: "wedged", At: time.Now(), StopTakes: time.Minute}))
}

func TestBudgetOutlivesClawgate(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.FreezeServer())
		s.reaches(policy.Isolated, time.Minute)
		s.reaches(policy.Ready, 2*time.Minute)
		s.stop()
		s.start()
		s.reaches(policy.Ready, 10*time.Second)
		if left := s.status().Budget.Remaining; left != 2 {
			s.Errorf("%d restarts left of 3", left)
		}
	})
}

// Without a folder for the intent the engine's own restart is used, which a
// crash of Clawgate cannot leave half done.
func TestWithoutAStateFolderTheEngineRestartsInOneCall(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_STATE_DIR="}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.must(s.FreezeServer())
		s.reaches(policy.Isolated, time.Minute)
		s.reaches(policy.Ready, 2*time.Minute)
		s.remedies("restart")
	})
}

func TestModelsThatWereLoadedAreLoadedAgainAfterARestart(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.9.6", "0.17.4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: simulation.Config{Version: version}}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.post("/api/generate", `{"model":"`+other+`","prompt":"hi","options":{"num_ctx":8192,"num_predict":3}}`).complete()
				s.post("/api/chat", `{"model":"`+model+`","messages":[{"role":"user","content":"hi"}],"options":{"num_ctx":16384,"num_predict":3}}`).complete()
				time.Sleep(time.Minute)
				before := s.contexts()
				s.must(s.FreezeServer())
				s.reaches(policy.Isolated, time.Minute)
				s.reaches(policy.Ready, 2*time.Minute)
				s.remedies("stop", "start")
				time.Sleep(10 * time.Second)
				if now := s.contexts(); now != before || !strings.Contains(before, "8192") || !strings.Contains(before, "16384") {
					s.Errorf("loaded now: %s, before: %s", now, before)
				}
			})
		})
	}
}

// contexts are the context lengths of all runners, in the order of their models.
func (s *scenario) contexts() string {
	s.Helper()
	var sizes []string
	for _, r := range s.runners() {
		_, after, _ := strings.Cut(r.Command, "--ctx-size ")
		size, _, _ := strings.Cut(after, " ")
		sizes = append(sizes, size)
	}
	return strings.Join(sizes, ", ")
}

// Another runner option than that of the loaded runner makes Ollama throw it
// away: probes must not, whoever loaded the model and however.
func TestProbesNeverReplaceTheRunner(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.9.6", "0.17.4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: simulation.Config{Version: version, Parallel: 2}}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				for _, ask := range []func(){
					func() { s.chat(3).complete() },
					func() {
						s.post("/api/chat", strings.Replace(chat(3), `"num_predict"`, `"num_ctx":8192,"num_predict"`, 1)).complete()
					},
					func() { s.stop(); s.start(); s.reaches(policy.Ready, 10*time.Second) }, // which knows nothing of it
					func() {
						s.post("/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"x"}]}`).wait()
					},
				} {
					ask()
					runner := s.runner()
					time.Sleep(6 * time.Minute) // twelve probes
					if s.runner() != runner {
						s.Errorf("the runner %d was replaced by %d", runner, s.runner())
					}
				}
				s.remedies()
			})
		})
	}
}

func TestOptionsAreWrittenOnceIntoTheModelsOwnParameters(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{`CLAWGATE_OPTIONS={"num_ctx":2048,"temperature":0.5}`}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		if got := s.contexts(); got != "4096" && got != "2048" {
			s.Errorf("context %s", got)
		}
		runner := s.runner()
		s.chat(3).complete()
		s.post("/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"x"}]}`).wait()
		s.stop()
		s.start()
		s.reaches(policy.Ready, 10*time.Second)
		if s.contexts() != "2048" || s.runner() != runner {
			s.Errorf("context %s, runner %d was %d", s.contexts(), s.runner(), runner)
		}
		if n := s.log.count("wrote the options"); n != 1 {
			s.Errorf("the options were written %d times", n)
		}
		s.must(s.Crash())
		s.reaches(policy.Ready, time.Minute)
		if s.contexts() != "2048" {
			s.Errorf("context %s after a crash", s.contexts())
		}
	})
}
