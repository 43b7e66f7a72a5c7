package sidecar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

// crashIsNoticed kills the runner under a stream that has gone on for so long.
func (s *scenario) crashIsNoticed(after time.Duration) {
	s.Helper()
	stream := s.chat(10_000)
	stream.begins()
	time.Sleep(after)
	s.deathIsNoticed()
}

// deathIsNoticed kills the runner.
func (s *scenario) deathIsNoticed() {
	s.Helper()
	s.must(s.KillRunner())
	killed := time.Now()
	noticed := s.reaches(policy.Loading, 30*time.Second)
	s.within("noticing the death", noticed.Sub(killed), 0, time.Second)
}

// Somebody gave a name to another model, long ago.
func TestCrashAfterAChangeOfOtherNamesIsNoticed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete() // its runner is looked up
		time.Sleep(10 * time.Second)
		s.post("/api/copy", `{"source":"unrelated:1b","destination":"copied:1b"}`).wait()
		time.Sleep(time.Minute)
		s.crashIsNoticed(10 * time.Second)
	})
}

// The start has taken the looks of three seconds: what a hint asks for has to wait.
func TestCrashRightAfterTheStartIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.crashIsNoticed(time.Second / 2)
	})
}

// The same later: this one holds.
func TestCrashIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		time.Sleep(time.Minute)
		s.crashIsNoticed(10 * time.Second)
	})
}

// Clients had the model loaded with other options and back, an hour ago.
func TestCrashLongAfterAReloadIsNoticed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.post("/api/chat", `{"model":"`+model+`","messages":[{"role":"user","content":"hello"}],"options":{"num_predict":3,"num_ctx":512}}`).complete()
		s.chat(3).complete()
		time.Sleep(time.Hour)
		s.crashIsNoticed(10 * time.Second)
	})
}

// A client had the model unloaded, and somebody asked again, an hour ago.
func TestCrashLongAfterAnUnloadIsNoticed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		s.post("/api/generate", `{"model":"`+model+`","keep_alive":0}`).wait()
		s.chat(3).complete()
		time.Sleep(time.Hour)
		s.crashIsNoticed(10 * time.Second)
	})
}

// A client had another model loaded and asked nothing of it, while an answer goes on.
func TestCrashAfterALoadWithoutAPromptIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{world: simulation.Config{Parallel: 2}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		long := s.chat(100_000)
		long.begins()
		s.post("/api/generate", `{"model":"`+other+`"}`).wait()
		time.Sleep(30 * time.Second)
		s.crashIsNoticed(10 * time.Second)
		long.wait()
	})
}

// A client had another model unloaded, while an answer goes on.
func TestCrashAfterAnUnloadOfAnotherModelIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{world: simulation.Config{Parallel: 2}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		s.post("/api/generate", generate(other, 3)).wait()
		time.Sleep(30 * time.Second) // its runner is looked up
		long := s.chat(100_000)
		long.begins()
		s.post("/api/generate", `{"model":"`+other+`","keep_alive":0}`).wait()
		time.Sleep(30 * time.Second)
		s.crashIsNoticed(10 * time.Second)
		long.wait()
	})
}

// What Ollama 0.9.6 says of a death in OpenAI's form is nothing at all: the stream
// ends before its last event.
func TestCrashUnderAStreamInOpenAIsFormIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		time.Sleep(time.Minute)
		stream := s.post("/v1/chat/completions", `{"model":"`+model+`","stream":true,"max_tokens":10000,"messages":[{"role":"user","content":"hello"}]}`)
		stream.begins()
		time.Sleep(10 * time.Second)
		s.deathIsNoticed()
	})
}

// A client unloads what Ollama does not have, while an answer goes on.
func TestCrashAfterAnUnloadOfWhatNobodyHasIsNoticed(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		time.Sleep(time.Minute)
		stream := s.chat(10_000)
		stream.begins()
		s.post("/api/generate", `{"model":"unknown:1b","keep_alive":0}`).wait()
		time.Sleep(30 * time.Second)
		s.deathIsNoticed()
	})
}

// A moment ago a client was told that its request is wrong.
func TestCrashAfterAnErrorOfARequestIsNoticed(t *testing.T) {
	t.Parallel()
	l := &liar{}
	play(t, setup{before: func(s *scenario) { l.scenario = s; s.odd.inPlace(l.answer) }}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		s.chat(3).complete()
		time.Sleep(15 * time.Second)
		s.SlowEngine(100 * time.Millisecond)
		for _, says := range []int{1, 10} { // a hint, and what speaks of the request
			s.post("/api/chat", fmt.Sprintf(`{"model":%q,"messages":[],%s,"does":0,"says":%d,"status":500}`, model, said, says)).wait()
		}
		s.crashIsNoticed(time.Second / 2)
	})
}
