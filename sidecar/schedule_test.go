package sidecar_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

const (
	// settles is how long everything is well at the end of a schedule.
	settles        = 45 * time.Minute
	scheduleDrain  = 2 * time.Minute
	scheduleBudget = 3
)

// schedule is some hours of random faults and decoys, which may overlap.
type schedule struct {
	*scenario
	random  *rand.Rand
	observe bool
	events  sync.WaitGroup
	users   *crowd    // of the main model
	others  *crowd    // of another one
	dueAt   time.Time // of the last remedy

	mu        sync.Mutex
	forbidden []forbiddance
	begun     time.Time
	active    map[string]bool // events under way
	byHand    bool            // a person has to start the container again at the end
}

// forbiddance is a time in which no remedy may be begun.
type forbiddance struct {
	reason   string
	from, to time.Time // to is zero while it lasts
	rungs    []policy.Rung
}

// TestSchedules plays random schedules. CLAWGATE_SCHEDULE_SEED plays one other
// than the usual ones.
func TestSchedules(t *testing.T) {
	t.Parallel()
	seeds := seedsFrom(1, 30)
	if text := os.Getenv("CLAWGATE_SCHEDULE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("CLAWGATE_SCHEDULE_SEED is a whole number: ", err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			playSchedule(t, seed, false)
		})
	}
}

// TestSchedulesUnderObservation holds that an observer changes nothing: no
// remedy is taken, and the gate stays open whatever happens.
func TestSchedulesUnderObservation(t *testing.T) {
	t.Parallel()
	for _, seed := range seedsFrom(1001, 5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			playSchedule(t, seed, true)
		})
	}
}

// seedsFrom are so many seeds; few of them, and one at least, under the race
// detector.
func seedsFrom(first uint64, n int) []uint64 {
	if raced {
		n = max(1, n/15)
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds
}

func playSchedule(t *testing.T, seed uint64, observe bool) {
	t.Helper()
	env := []string{"CLAWGATE_LOAD_TIMEOUT=3m", "CLAWGATE_IDLE_WAIT=10m", fmt.Sprint("CLAWGATE_DRAIN_TIMEOUT=", scheduleDrain)}
	if observe {
		env = append(env, "CLAWGATE_MODE=observe")
	}
	world := decoy{world: simulation.Config{Seed: seed}}.model()
	c := &schedule{random: rand.New(rand.NewPCG(seed, 3)), observe: observe, active: map[string]bool{}}
	watch := func(s *scenario) {
		c.scenario, c.begun, c.users, c.others = s, time.Now(), s.gather(30*time.Second), s.gather(30*time.Second)
		s.log.heard = c.judgeRemedy
	}
	play(t, setup{world: world, env: env, before: watch}, func(*scenario) {
		c.run()
		c.judge()
		if t.Failed() {
			t.Logf("CLAWGATE_SCHEDULE_SEED=%d plays it again", seed)
		}
	})
}

func (c *schedule) run() {
	if !c.observe {
		c.reaches(policy.Ready, time.Minute)
	} else {
		time.Sleep(time.Minute)
		c.post("/api/generate", generate(model, 3)).wait()
	}
	c.users.join(model)
	c.others.join(other)
	if c.observe {
		c.every(10*time.Second, c.judgeGate)
	}
	for range 6 + c.random.IntN(7) {
		time.Sleep(c.between(time.Minute, 20*time.Minute))
		c.happens()
	}
	c.events.Wait()
	c.log.remark("everything is mended")
	if c.byHand {
		c.restartByHand()
	}
	c.others.leave() // in whose constant use a deadlocked scheduler is left alone
	time.Sleep(settles)
	c.users.leave()
}

func (c *schedule) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.random.Int64N(int64(most-least)))
}

// happens begins one random event, and ends it beside those that follow. Nothing
// begins again before it has ended, and one person acts at a time.
func (c *schedule) happens() {
	event := c.choose()
	lasts := c.between(10*time.Second, 25*time.Minute)
	c.log.remark("begins: " + event.name)
	event.begin()
	if event.end == nil {
		return
	}
	c.events.Go(func() {
		time.Sleep(lasts)
		c.log.remark("ends: " + event.name)
		event.end()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.active, event.name)
	})
}

func (c *schedule) choose() happening {
	all := append(append(c.breakRunners(), c.breakGPU()...), c.breakHost()...)
	people := c.people()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(people, func(h happening) bool { return c.active[h.name] }) {
		all = append(all, people...)
	}
	all = slices.DeleteFunc(all, func(h happening) bool { return c.active[h.name] })
	event := all[c.random.IntN(len(all))]
	c.active[event.name] = event.end != nil
	c.byHand = c.byHand || slices.Contains(leftToPeople, event.name)
	return event
}

// forbid notes that no remedy, or none of the given ones, may be begun from now
// on, and returns what ends that. What comes within the grace was begun on what
// was known before.
func (c *schedule) forbid(reason string, grace time.Duration, rungs ...policy.Rung) (allow func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.forbidden)
	c.forbidden = append(c.forbidden, forbiddance{reason: reason, from: time.Now().Add(grace), rungs: rungs})
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.forbidden[i].to.IsZero() {
			c.forbidden[i].to = time.Now()
		}
	}
}

// judgeRemedy looks at every remedy as it begins.
func (c *schedule) judgeRemedy(n note) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.message == "a remedy is due" {
		c.dueAt = n.at
	}
	if n.message != "taking a remedy" {
		return
	}
	at, rung := time.Since(c.begun), policy.Rung(n.with["rung"])
	for _, f := range c.forbidden {
		if n.at.After(f.from) && f.to.IsZero() && (f.rungs == nil || slices.Contains(f.rungs, rung)) {
			c.Errorf("after %s: %s, although %s", at, rung, f.reason)
		}
	}
	if rung == policy.Restart && n.at.Sub(c.dueAt) < scheduleDrain && (c.users.moving() || c.others.moving()) {
		c.Errorf("after %s: %s, although a stream moves", at, rung)
	}
}

// judgeGate holds that an observer keeps the gate open.
func (c *schedule) judgeGate() {
	status := c.status()
	if c.observe && (!status.Gate.Open || len(status.Gate.ModelsClosed) > 0) {
		c.Errorf("after %s: the gate is shut: %+v", time.Since(c.begun), status.Gate)
	}
	if status.Verdict.Sentence == "" {
		c.Errorf("after %s: the verdict %s has no sentence", time.Since(c.begun), status.Verdict.Name)
	}
}

// judge looks at the schedule as a whole.
func (c *schedule) judge() {
	if c.observe {
		if rungs := c.log.rungsSince(c.begun); len(rungs) > 0 {
			c.Errorf("an observer took remedies: %q", rungs)
		}
		c.remedies()
		return
	}
	if state := c.log.state(); state != policy.Ready {
		c.Errorf("at the end it is %s: %s", state, c.verdict().Sentence)
	}
	var restarts []time.Time
	for _, n := range c.log.notesSince(c.begun, "taking a remedy") {
		if n.with["rung"] != string(policy.Restart) {
			continue
		}
		restarts = append(restarts, n.at)
		if i := len(restarts) - 1 - scheduleBudget; i >= 0 && n.at.Sub(restarts[i]) < time.Hour {
			c.Errorf("%d restarts within %s, the budget is %d an hour", scheduleBudget+1, n.at.Sub(restarts[i]), scheduleBudget)
		}
	}
}
