package sidecar_test

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

// ends asks the sidecar to end and says how long that took.
func (s *scenario) ends() time.Duration {
	s.Helper()
	began := time.Now()
	s.stop()
	return time.Since(began)
}

func TestEndsAtOnceWhenIdle(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		time.Sleep(time.Minute + 32*time.Second/10) // in the middle of a probe, too
		s.within("the end", s.ends(), 0, 3*time.Second)
	})
}

func TestEndsAtOnceWhileItLoads(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Loading, time.Second)
		time.Sleep(time.Second)
		s.within("the end", s.ends(), 0, 3*time.Second)
	})
}

func TestDrainsStreamsBeforeItEnds(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream, queued := s.chat(3_000), s.chat(2_000) // a minute and 40 s
		stream.begins()
		s.end()
		time.Sleep(time.Second)
		if s.ready() {
			s.Error("it calls itself ready while it drains")
		}
		s.chat(3).refused()
		stream.complete()
		queued.complete()
		s.within("the end after the streams", s.ends(), 0, 3*time.Second)
	})
}

func TestCutsWhatTheDrainTimeoutDoesNotAllow(t *testing.T) {
	t.Parallel()
	play(t, setup{env: []string{"CLAWGATE_DRAIN_TIMEOUT=30s"}}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		stream := s.chat(1_000_000)
		stream.begins()
		s.within("the end", s.ends(), 30*time.Second, 35*time.Second)
		if stream.wait().err == nil {
			s.Errorf("the stream looks complete: %s", stream)
		}
	})
}

// Told to end in the middle of a restart, it starts what it has stopped.
func TestEndDuringARestartLeavesTheContainerRunning(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{10 * time.Millisecond, 10 * time.Second, 31 * time.Second, 33 * time.Second, 36 * time.Second} {
		t.Run(wait.String()+" into it", func(t *testing.T) {
			t.Parallel()
			play(t, setup{}, func(s *scenario) {
				s.reaches(policy.Ready, 10*time.Second)
				s.must(s.FreezeServer())
				s.reaches(policy.Recovering, time.Minute)
				time.Sleep(wait)
				s.within("the end", s.ends(), 0, 40*time.Second)
				if status := s.inspect().Status; status != "running" {
					s.Errorf("the container is %s", status)
				}
				s.start()
				s.reaches(policy.Ready, 2*time.Minute)
				s.chat(3).complete()
			})
		})
	}
}

func TestEndDuringAnUnload(t *testing.T) {
	t.Parallel()
	play(t, setup{}, func(s *scenario) {
		s.reaches(policy.Ready, 10*time.Second)
		go func() { _ = s.Bypass(s.Context(), model, 1_000_000) }()
		time.Sleep(time.Second)
		s.must(s.FreezeRunner())
		s.reaches(policy.Recovering, time.Minute)
		time.Sleep(time.Second)
		s.within("the end", s.ends(), 0, 3*time.Second)
		s.remedies("unload")
	})
}
