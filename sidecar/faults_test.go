package sidecar_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// fault is one thing that breaks, and what has to come of it.
type fault struct {
	id, name string
	models   []simulation.Model // nil for those of every fault
	env      []string
	// strike breaks it, at a moment at which all is well.
	strike func(s *scenario)
	// mend is what a person does about it, or the passing of time; nil where
	// Clawgate has to come to an end by itself.
	mend func(s *scenario)
	// lasts is when it is mended at the latest; 10 min.
	lasts time.Duration
	// shows is the moment from which it can be noticed, where that is not the
	// strike; zero for no such moment. It has to be found within bound from there.
	shows func(s *scenario, when circumstance) time.Time
	bound time.Duration

	idle, busy, loading finding
}

// finding is what a fault is called, and what is done about it.
type finding struct {
	// verdicts come one after the other; the first has to be there within the
	// given time after the strike. Without one nothing is to be found: the fault
	// is no trouble of the main model's.
	verdicts []verdict.Verdict
	within   time.Duration
	// rungs are the remedies in their order, those after it was mended with them.
	rungs []string
	// stands is the state in which it waits to be mended; empty for any.
	stands policy.State
	// omitted is why the fault and the circumstance do not go together.
	omitted string
	// unwritten is why its figures are not in the table, though it is tried.
	unwritten string
}

// circumstance is what goes on when a fault strikes.
type circumstance string

const (
	idle    circumstance = "idle"
	busy    circumstance = "under load"
	loading circumstance = "during a load"
)

var circumstances = []circumstance{idle, busy, loading}

func (f fault) finding(when circumstance) finding {
	return map[circumstance]finding{idle: f.idle, busy: f.busy, loading: f.loading}[when]
}

const (
	// warmUp is how long all is well before the strike, which comes right after a
	// probe: the next one is as far off as can be.
	warmUp = 3*time.Minute + time.Second
	// intoLoad is how far a load of faultLoads has come when it is struck.
	intoLoad   = 12 * time.Second
	faultLoads = 30 * time.Second
	// calm is how long the model has to be ready for a fault to be over.
	calm = 3 * time.Minute
	// patience is how long the way back may take, a spent budget with it.
	patience = 100 * time.Minute
	third    = "phi4:14b"
)

// faultWorld is a GPU with room for three models, of which the main one takes
// most.
func (f fault) world() simulation.Config {
	models := f.models
	if models == nil {
		models = []simulation.Model{
			{Name: model, Bytes: 12 << 30, LoadTakes: faultLoads, FirstChunk: 400 * time.Millisecond, TokenInterval: 160 * time.Millisecond},
			{Name: other, Bytes: 4 << 30, LoadTakes: 5 * time.Second, TokenInterval: 160 * time.Millisecond},
			{Name: third, Bytes: 4 << 30, LoadTakes: 5 * time.Second, TokenInterval: 160 * time.Millisecond},
		}
	}
	return simulation.Config{Models: models, Parallel: 2, Seed: 1}
}

// TestFaults strikes with every fault in every circumstance, and holds what
// comes of it against docs/faults.md. Under the race detector it is every fault
// in one of them.
func TestFaults(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	outcomes := map[string]outcome{}
	t.Run("all", func(t *testing.T) {
		for i, f := range faults() {
			for j, when := range circumstances {
				if f.finding(when).omitted != "" || raced && i%len(circumstances) != j {
					continue
				}
				t.Run(fmt.Sprintf("%s %s, %s", f.id, f.name, when), func(t *testing.T) {
					t.Parallel()
					o := f.try(t, when)
					mu.Lock()
					defer mu.Unlock()
					outcomes[f.key(when)] = o
				})
			}
		}
	})
	switch {
	case t.Failed() || raced:
	case len(outcomes) < circumstancesInAll():
		t.Logf("docs/faults.md is not looked at: %d of %d rows were tried", len(outcomes), circumstancesInAll())
	default:
		compareDocument(t, outcomes)
	}
}

// circumstancesInAll counts the rows of the table that are not omitted.
func circumstancesInAll() int {
	n := 0
	for _, f := range faults() {
		for _, when := range circumstances {
			if f.finding(when).omitted == "" {
				n++
			}
		}
	}
	return n
}

func (f fault) key(when circumstance) string { return f.id + "|" + f.name + "|" + string(when) }

// outcome is what came of one fault in one circumstance.
type outcome struct {
	verdicts []string // as they came
	detected time.Duration
	rungs    []string
	closed   bool          // the gate was shut for it
	open     time.Duration // from the strike until it was open again
	tally    tally
}

func (f fault) try(t *testing.T, when circumstance) (o outcome) {
	t.Helper()
	want := f.finding(when)
	var shown time.Time
	play(t, setup{world: f.world(), env: f.env, before: func(s *scenario) {
		s.log.heard = func(n note) { // in the moment of the verdict
			if f.shows != nil && n.message == "verdict changed" && slices.Contains(want.verdicts, verdict.Verdict(n.with["to"])) && shown.IsZero() {
				shown = f.shows(s, when)
			}
		}
	}}, func(s *scenario) {
		users := s.prepare(when)
		users.recount()
		struck := time.Now()
		s.log.remark("it strikes: " + f.name)
		f.strike(s)
		s.awaitFinding(struck, want, max(f.lasts, 10*time.Minute))
		if want.stands != "" && s.log.state() != want.stands {
			s.Errorf("before anybody mends it, it is %s, want %s: %s", s.log.state(), want.stands, s.verdict().Sentence)
		}
		if f.mend != nil {
			s.log.remark("it is mended")
			f.mend(s)
		}
		s.calms()
		o = s.outcome(struck, want)
		o.tally = users.leave()
		s.chat(3).complete()
		if !slices.Equal(o.rungs, want.rungs) {
			s.Errorf("remedies taken: %q, want %q", o.rungs, want.rungs)
		}
		if len(want.verdicts) > 0 && o.detected > want.within {
			s.Errorf("found after %s, want %s at most", o.detected, want.within)
		}
		if late := struck.Add(o.detected).Sub(shown); !shown.IsZero() && late > f.bound {
			s.Errorf("found %s after it could be noticed, want %s at most", late, f.bound)
		}
	})
	return o
}

// prepare brings the circumstance about, with its clients.
func (s *scenario) prepare(when circumstance) *crowd {
	s.Helper()
	if when == loading {
		users := s.rush() // in this time the load has begun
		time.Sleep(intoLoad)
		return users
	}
	s.reaches(policy.Ready, 2*faultLoads)
	users := s.gather(0)
	if when == busy {
		users = s.rush()
	}
	time.Sleep(warmUp)
	return users
}

// awaitFinding waits until all that is to be found and done was, or has had its
// time, and a little longer: more than that must not come.
func (s *scenario) awaitFinding(struck time.Time, want finding, most time.Duration) {
	if len(want.verdicts) == 0 {
		most = min(most, 10*time.Minute)
	}
	for time.Since(struck) < most {
		time.Sleep(5 * time.Second)
		named, _ := s.verdictsSince(struck, want)
		if len(want.verdicts) > 0 && len(named) == len(want.verdicts) && len(s.log.rungsSince(struck)) >= len(want.rungs) {
			time.Sleep(2 * time.Minute)
			return
		}
	}
}

// verdictsSince are those that the finding asks for as far as they came, in its
// order, and when the first did.
func (s *scenario) verdictsSince(struck time.Time, want finding) (named []string, first time.Time) {
	for _, n := range s.log.notesSince(struck, "verdict changed") {
		if len(named) == 0 && len(want.verdicts) > 0 && n.with["from"] == string(want.verdicts[0]) {
			named, first = append(named, n.with["from"]), struck // it was called that already
		}
		if len(named) < len(want.verdicts) && n.with["to"] == string(want.verdicts[len(named)]) {
			if named = append(named, n.with["to"]); len(named) == 1 {
				first = n.at
			}
		}
	}
	return named, first
}

// calms waits until the model has been ready for a while.
func (s *scenario) calms() {
	s.Helper()
	began := time.Now()
	for since := began; time.Since(since) < calm; time.Sleep(time.Second) {
		if s.log.state() != policy.Ready {
			since = time.Now()
		}
		if time.Since(began) > patience {
			s.Fatalf("it is not over after %s: it is %s, %s", patience, s.log.state(), s.verdict().Sentence)
		}
	}
}

func (s *scenario) outcome(struck time.Time, want finding) outcome {
	s.Helper()
	named, first := s.verdictsSince(struck, want)
	if len(named) < len(want.verdicts) {
		s.Errorf("the verdicts were %q, want %q", s.everyVerdict(struck), want.verdicts)
	}
	o := outcome{verdicts: named, rungs: s.log.rungsSince(struck)}
	if len(named) > 0 {
		o.detected = first.Sub(struck)
	}
	for _, n := range s.log.notesSince(struck, "state changed") {
		if o.closed = true; n.with["to"] == string(policy.Ready) {
			o.open = n.at.Sub(struck)
		}
	}
	return o
}

func (s *scenario) everyVerdict(struck time.Time) string {
	var all []string
	for _, n := range s.log.notesSince(struck, "verdict changed") {
		all = append(all, n.with["to"])
	}
	return strings.Join(all, ", ")
}
