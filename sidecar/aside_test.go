package sidecar

import (
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const mainOne, otherOne = "main:latest", "other:latest"

// looking is a supervisor that has no server, and whose probe looks at the main model,
// which has proved itself.
func looking() *supervisor {
	s := &supervisor{
		config: config.Config{Model: "main"}, options: &runnerOptions{}, kicks: newKicks(), log: slog.New(slog.DiscardHandler),
		client: ollama.NewClient(&url.URL{Scheme: "http", Host: "ollama"}, http.DefaultTransport),
	}
	s.view.ledger = runners.NewLedger()
	s.models.main, s.readiness.target = mainOne, mainOne
	s.focus().streak.Successes = 2
	return s
}

func TestALookAside(t *testing.T) {
	s, began := looking(), time.Now()
	open := &attempt{began: began}
	s.readiness.open, s.readiness.asked, s.readiness.next = []*attempt{open}, began, began.Add(time.Hour)
	s.turnTo(otherOne)
	if !s.aside() || s.focus().streak != (verdict.Streak{}) {
		t.Errorf("it looks at %s: %+v", s.readiness.target, s.focus().streak)
	}
	if !open.moot || len(s.readiness.open) != 1 {
		t.Error("what asked the main model counts for the other one, or is waited for no more")
	}
	if !s.readiness.next.IsZero() || !s.readiness.asked.Equal(began) {
		t.Error("the other model is not asked at once, or when one was asked last is forgotten")
	}
	s.focus().streak.Failures = 3
	s.turnTo(mainOne)
	if s.aside() || s.focus().streak.Successes != 2 {
		t.Errorf("it looks at %s: %+v", s.readiness.target, s.focus().streak)
	}
}

// A rung that leaves the server running takes nothing back that other models proved.
func TestWhatARungTakesBack(t *testing.T) {
	for rung, c := range map[Rung]struct{ main, aside int }{
		Unload: {0, 2}, MakeRoom: {0, 2}, Restart: {0, 0}, Start: {0, 0},
	} {
		s := looking()
		s.changed(time.Now(), rung)
		if got := s.focus().streak.Successes; got != c.main {
			t.Errorf("%s: %d successes are left of the model that is looked at", rung, got)
		}
		s = looking()
		s.turnTo(otherOne)
		s.focus().streak.Failures, s.focus().present = 3, true
		s.changed(time.Now(), rung)
		if left := s.focus(); left.streak.Failures > 0 || left.present {
			t.Errorf("%s: %+v is left of the other model", rung, left)
		}
		s.turnTo(mainOne)
		if got := s.focus().streak.Successes; got != c.aside {
			t.Errorf("%s: %d successes are left of the main model", rung, got)
		}
	}
}

// The main model comes first: it is looked at as soon as it dies.
func TestADeathOfTheMainModelEndsALookAside(t *testing.T) {
	s, now := looking(), time.Now()
	s.turnTo(otherOne)
	s.died(evidence.Sign{Model: otherOne, At: now})
	if !s.aside() || len(s.focus().crashes.times()) != 1 {
		t.Errorf("it looks at %s: %+v", s.readiness.target, s.focus().crashes)
	}
	s.died(evidence.Sign{Model: mainOne, At: now})
	if s.aside() || len(s.focus().crashes.times()) != 1 {
		t.Errorf("it looks at %s: %+v", s.readiness.target, s.focus().crashes)
	}
}
