package sidecar

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// What is asked between two turns must not take from the next one what is told once: an
// error of the driver's, and a jump of the wall clock.
func TestAQuestionTakesNoNewsFromTheNextTurn(t *testing.T) {
	for name, question := range map[string]func(s *supervisor, ctx context.Context){
		"a restart by hand":      func(s *supervisor, ctx context.Context) { _ = control{s}.Restart(ctx) },
		"whether to read a list": func(s *supervisor, ctx context.Context) { s.listLoaded(ctx) },
	} {
		var jumped time.Duration
		s := idle(t, func() time.Time { return time.Now().Add(jumped) })
		s.inputs(time.Now())
		s.parts.xids.add(evidence.Xid{GPU: "GPU-1", Code: 79, At: time.Now()}, time.Now())
		jumped = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); question(s, ctx) }()
		for asking := true; asking; {
			select {
			case asked := <-s.inbox:
				asked.observe()
			case <-ended:
				asking = false
			}
		}
		cancel()
		if in := s.inputs(time.Now()); len(in.Xids) != 1 || in.ClockJumped == 0 {
			t.Errorf("%s: the next turn is told of %d errors and a jump by %s", name, len(in.Xids), in.ClockJumped)
		}
	}
}

// To show what is known changes nothing of it: a record has no account of who looked.
func TestTheStatusChangesNothing(t *testing.T) {
	s, seen := idle(t, nil), watch.New("main:latest")
	s.status(time.Now(), policy.Standing{Seen: &seen})
	for model := range seen.Models.Named() {
		t.Errorf("%s has a record because somebody looked", model)
	}
}

// idle is a supervisor that nobody has started.
func idle(t *testing.T, wall func() time.Time) *supervisor {
	t.Helper()
	settings, err := config.Load([]string{"CLAWGATE_STATE_DIR=" + t.TempDir(), "CLAWGATE_HEALTH_LOG="})
	if err != nil {
		t.Fatal(err)
	}
	return New(Parts{Config: settings, Wall: wall, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}).supervisor
}
