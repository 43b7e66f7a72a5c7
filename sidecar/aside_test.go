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
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/recovery"
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
	for rung, c := range map[policy.Rung]struct{ main, aside int }{
		policy.Unload: {0, 2}, policy.MakeRoom: {0, 2}, policy.Restart: {0, 0}, policy.Start: {0, 0},
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

// Every model's tokens are noted; only those of the one that is looked at are a probe's.
func TestAToken(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		model         string
		gone          time.Duration // since when the container is known not to run; 0 while it does
		noted, counts bool
	}{
		"of the model that is looked at": {mainOne, 0, true, true},
		"of another one":                 {otherOne, 0, true, false},
		"that the container said last":   {mainOne, time.Second, false, false},
	} {
		s := looking()
		s.journal, _ = recovery.OpenJournal(t.TempDir())
		if c.gone > 0 {
			s.role.absence.since = now.Add(-c.gone)
		}
		s.sign(evidence.Sign{Kind: evidence.SignFirstChunk, Model: c.model, SentAt: now.Add(-time.Minute), At: now})
		of := s.models.get(c.model)
		if noted := of.token.Equal(now); noted != c.noted || !of.present || !of.answers {
			t.Errorf("%s: %+v", name, of)
		}
		if counts := s.focus().streak.Successes == 3; counts != c.counts {
			t.Errorf("%s: %+v", name, s.focus().streak)
		}
	}
}

// A model that dies again and again is kept out, wherever the probe looked meanwhile; the
// one that it looks at goes up the ladder instead.
func TestAModelThatDiesIsKeptOut(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		lookAt int // the death before which the probe turns to the other model; from 1 on
		back   int // the one before which it turns back
		want   bool
	}{
		"beside the main model":       {otherOne, 0, 0, true},
		"while it was looked at once": {otherOne, 2, 3, true},
		"while it is looked at":       {otherOne, 2, 0, false},
		"and is the main model":       {mainOne, 0, 0, false},
	} {
		s, t0 := looking(), time.Now()
		s.report.log, s.report.health = s.log, healthlog.New("", s.log)
		for death := 1; death <= verdict.CrashLimit; death++ {
			switch death {
			case c.lookAt:
				s.turnTo(otherOne)
			case c.back:
				s.turnTo(mainOne)
			}
			s.died(evidence.Sign{Model: c.model, At: t0.Add(time.Duration(death) * time.Minute)})
		}
		if kept := !s.models.get(c.model).kept.until.IsZero(); kept != c.want {
			t.Errorf("%s: kept out: %v", name, kept)
		}
	}
}
