package sidecar_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

// oddWorld is one in which nothing has to make sense: each call to Ollama and to the
// engine has a mood, and moods change. Beside them things break, clients do what they
// like, and the engine tells of events by the thousand.
type oddWorld struct {
	*scenario
	tally *tallyOfMinutes

	mu      sync.Mutex
	random  *rand.Rand
	answers map[string]http.HandlerFunc // by what ofItsOwn or a client's path says; absent for the server's own
	refuses map[string]error            // the engine's calls
	shows   func(evidence.Container) evidence.Container
	flips   int
}

// paced is how long each world is odd.
func paced() time.Duration {
	if raced {
		return 5 * time.Minute
	}
	return 10 * time.Minute
}

// TestPacesInOddWorlds holds that nothing which Clawgate does by itself repeats without
// a bound, whatever the world answers. CLAWGATE_PACES_SEED plays one other than the
// usual ones.
func TestPacesInOddWorlds(t *testing.T) {
	t.Parallel()
	seeds := seedsFrom(1, 60)
	if text := os.Getenv("CLAWGATE_PACES_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("CLAWGATE_PACES_SEED is a whole number: ", err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			playOddWorld(t, seed)
		})
	}
}

func playOddWorld(t *testing.T, seed uint64) {
	t.Helper()
	o := &oddWorld{random: rand.New(rand.NewPCG(seed, 7)), answers: map[string]http.HandlerFunc{}, refuses: map[string]error{}}
	given := setup{world: o.config(seed), env: o.environment(), before: func(s *scenario) {
		o.scenario = s
		s.log.mayBeReady = func() error { return nil } // what looks alive here may be nothing at all
		s.engine.shows = o.show
		if o.one(2) {
			s.directly("/api/generate", `{"model":"`+alias+`","keep_alive":-1}`)
		}
		o.tally = s.measureOdd(o.answer, o.refuse)
	}}
	play(t, given, func(s *scenario) {
		o.every(time.Second, o.changeMoods)
		o.turmoil()
		s.keepsPace(o.tally, paced())
		if t.Failed() {
			t.Logf("CLAWGATE_PACES_SEED=%d plays it again", seed)
		}
		if testing.Verbose() {
			t.Log(o.tally)
		}
	})
}

// one says yes once in n times.
func (o *oddWorld) one(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.random.IntN(n) == 0
}

func (o *oddWorld) below(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.random.IntN(n)
}

// config is a server with random habits. Loads are quick, so that they could spin.
func (o *oddWorld) config(seed uint64) simulation.Config {
	takes := []time.Duration{time.Millisecond, 200 * time.Millisecond, 3 * time.Second}[o.below(3)]
	c := simulation.Config{
		Seed: seed, Version: []string{"0.9.6", "0.17.4", "0.32.14"}[o.below(3)],
		KeepAlive: []time.Duration{time.Nanosecond, time.Second, 0, -1}[o.below(4)],
		Models: []simulation.Model{
			{Name: model, LoadTakes: takes, Missing: o.one(4), PullTakes: time.Second},
			{Name: other, LoadTakes: takes}, {Name: alias, Weights: model, LoadTakes: takes},
		},
	}
	return c
}

func (o *oddWorld) environment() []string {
	return []string{
		"CLAWGATE_KEEP_ALIVE=" + []string{"-1", "1s", "5m"}[o.below(3)],
		fmt.Sprint("CLAWGATE_SUCCESS_THRESHOLD=", 1+o.below(2)),
		fmt.Sprint("CLAWGATE_FAILURE_THRESHOLD=", 1+2*o.below(2)),
		"CLAWGATE_OPTIONS=" + []string{"{}", `{"num_ctx":2048}`}[o.below(2)],
		"CLAWGATE_IDLE_WAIT=1m", "CLAWGATE_DRAIN_TIMEOUT=10s", "CLAWGATE_STOP_TIMEOUT=2s", "CLAWGATE_SETTLE_DELAY=0s",
		"CLAWGATE_RESTART_BUDGET=1000", "CLAWGATE_RESTART_WINDOW=1m", // else the budget alone is what holds
	}
}

// answer is Ollama's answer to a call of Clawgate's or of a client's.
func (o *oddWorld) answer(w http.ResponseWriter, r *http.Request) {
	kind := ofItsOwn(r)
	if kind == "" {
		kind = "client"
	}
	o.mu.Lock()
	answer := o.answers[kind]
	o.mu.Unlock()
	if answer == nil {
		answer = o.ServeHTTP
	}
	answer(w, r)
}

func (o *oddWorld) refuse(call string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refuses[call]
}

func (o *oddWorld) show(c evidence.Container) evidence.Container {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shows == nil {
		return c
	}
	o.flips++
	return o.shows(c)
}

// changeMoods gives some calls another mood, for half a minute or so; now and then all
// is as it should be. What has one mood beside a world that works gets further than
// where nothing does.
func (o *oddWorld) changeMoods() {
	answers, shown := o.moods(), o.shownMoods()
	o.mu.Lock()
	clear(o.answers)
	clear(o.refuses)
	o.shows = nil
	for range o.random.IntN(4) {
		switch o.random.IntN(6) {
		case 0:
			o.refuses[anyOf(o.random, engineCalls)] = anyOf(o.random, engineErrors)
		case 1:
			o.shows = anyOf(o.random, shown)
		default:
			kind := anyOf(o.random, slices.Sorted(maps.Keys(answers)))
			o.answers[kind] = anyOf(o.random, answers[kind])
		}
	}
	pause := time.Duration(o.random.IntN(60_000)) * time.Millisecond
	o.mu.Unlock()
	time.Sleep(pause)
}

func anyOf[T any](random *rand.Rand, all []T) T { return all[random.IntN(len(all))] }

var errNotNow = errors.New("not now")

// engineCalls may be refused with each of engineErrors.
var (
	engineCalls  = []string{"inspect", "stats", "GPU", "logs", "top", "write"}
	engineErrors = []error{
		errNotNow, evidence.ErrChanged, evidence.ErrWontDie, evidence.ErrPaused, evidence.ErrStartFailed, evidence.ErrMismatch,
	}
)

// shownMoods are what inspections show in the place of what is.
func (o *oddWorld) shownMoods() []func(evidence.Container) evidence.Container {
	return []func(evidence.Container) evidence.Container{
		func(c evidence.Container) evidence.Container { // it has just been started, each time
			c.StartedAt = time.Now()
			return c
		},
		func(c evidence.Container) evidence.Container { // it has been made anew, each time
			c.ID = fmt.Sprint(o.flips)
			return c
		},
		func(c evidence.Container) evidence.Container { // it comes and goes
			c.Status = []evidence.Status{evidence.Running, evidence.Exited, evidence.Paused, evidence.Restarting}[o.flips%4]
			return c
		},
		func(c evidence.Container) evidence.Container { // it ended long ago
			c.Status, c.FinishedAt, c.ExitCode = evidence.Exited, time.Now().Add(-time.Hour), 2
			return c
		},
		func(c evidence.Container) evidence.Container { // it crashes again and again
			c.StartedAt = time.Now()
			c.RestartCount = o.flips
			return c
		},
	}
}
