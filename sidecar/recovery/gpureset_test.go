package recovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestWhenAGPUMayBeReset(t *testing.T) {
	now := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	type state struct {
		leak evidence.LeakReport
		view evidence.GPUView
		last time.Time
	}
	for want, change := range map[string]func(s *state){
		"":                              func(*state) {},
		"there is no leak":              func(s *state) { s.leak = evidence.LeakReport{Result: evidence.LeakNone} },
		"the GPUs cannot be seen: NVML": func(s *state) { s.view = evidence.GPUView{Reason: "NVML hangs"} },
		"for hosts with one GPU, and there are 2":    func(s *state) { s.view.GPUs = append(s.view.GPUs, evidence.GPU{Index: 1}) },
		"for hosts with one GPU, and there are 0":    func(s *state) { s.view.GPUs = nil },
		"2 GPUs were seen to hold memory, and 1 is":  func(s *state) { s.leak.Leaks = append(s.leak.Leaks, evidence.GPULeak{Index: 1}) },
		"not the one that is there":                  func(s *state) { s.view.GPUs[0].UUID = "GPU-b" },
		"1 processes of the container are still":     func(s *state) { s.leak.Leaks[0].Holders = []evidence.GPUProcess{{PID: 7}} },
		"the driver does not tell who":               func(s *state) { s.view.GPUs[0].ProcessesKnown = false },
		"1 other processes use the GPU":              func(s *state) { s.view.GPUs[0].Processes = []evidence.GPUProcess{{PID: 8}} },
		"the driver has given the GPU up":            func(s *state) { s.view.GPUs[0].Lost = true },
		"the driver's own advice is reboot":          func(s *state) { s.view.GPUs[0].Advice = evidence.AdviceReboot },
		"the driver's own advice is drain":           func(s *state) { s.view.GPUs[0].Advice = evidence.AdviceDrain },
		"the driver's own advice is drain and reset": func(s *state) { s.view.GPUs[0].Advice = evidence.AdviceDrainAndReset },
		"the driver's own advice is other":           func(s *state) { s.view.GPUs[0].Advice = evidence.AdviceOther },
		"it was tried 23h59m0s ago":                  func(s *state) { s.last = now.Add(time.Minute - resetPause) },
		"it was tried 0s ago":                        func(s *state) { s.last = now },
	} {
		s := state{leak: foundLeak(), view: emptyGPU()}
		change(&s)
		got := resetForbidden(s.leak, s.view, s.last, now)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("it is forbidden because %q, want %q", got, want)
		}
	}
	for name, s := range map[string]state{
		"the driver advises it":        {leak: foundLeak(), view: advised(evidence.AdviceReset)},
		"the driver advises nothing":   {leak: foundLeak(), view: advised(evidence.AdviceNone)},
		"the last one was a day ago":   {leak: foundLeak(), view: emptyGPU(), last: now.Add(-resetPause)},
		"the last one was a month ago": {leak: foundLeak(), view: emptyGPU(), last: now.Add(-720 * time.Hour)},
	} {
		if why := resetForbidden(s.leak, s.view, s.last, now); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
}

func foundLeak() evidence.LeakReport {
	return evidence.LeakReport{Result: evidence.LeakFound, Reason: "GPU 0: 3 MiB belong to no process", Leaks: []evidence.GPULeak{{UUID: "GPU-a", Bytes: 3 << 20}}}
}

func emptyGPU() evidence.GPUView {
	return evidence.GPUView{Known: true, GPUs: []evidence.GPU{{UUID: "GPU-a", ProcessesKnown: true}}}
}

func advised(advice evidence.GPUAdvice) evidence.GPUView {
	view := emptyGPU()
	view.GPUs[0].Advice = advice
	return view
}

// card is the GPU of a world whose memory stays held until it is reset.
type card struct {
	*world
	view     evidence.GPUView
	stuck    bool // our own process does not let go of it
	resets   time.Duration
	refuses  error
	missing  error         // why there is no helper
	back     time.Duration // from the reset to the first view
	heals    bool
	resetAt  time.Time
	isClosed bool
}

func (c *card) View(ctx context.Context) evidence.GPUView {
	_ = c.call(ctx, "gpu")
	if c.isClosed {
		c.Error("it looked at a GPU that is being reset")
	}
	if !c.resetAt.IsZero() && time.Since(c.resetAt) < c.back {
		return evidence.GPUView{Reason: "the driver starts"}
	}
	return c.view
}

func (c *card) Suspend(ctx context.Context) (func(), error) {
	if c.stuck {
		c.hangs["close"] = true
	}
	if err := c.call(ctx, "close"); err != nil {
		return nil, err
	}
	c.isClosed = true
	return func() { _ = c.call(ctx, "open"); c.isClosed = false }, nil
}

func (c *card) Run(ctx context.Context) error {
	if c.container.Status != evidence.Exited || !c.isClosed {
		c.Errorf("reset while the container is %s, closed %v", c.container.Status, c.isClosed)
	}
	if err := c.call(ctx, "reset"); err != nil {
		return err
	}
	time.Sleep(c.resets)
	c.resetAt = time.Now()
	return c.refuses
}

func (c *card) Ready(context.Context) error { return c.missing }

func (c *card) Await(ctx context.Context) error { return c.call(ctx, "await") }

func (c *card) leaks(_, after evidence.GPUView, _ evidence.GPUOwner) evidence.LeakReport {
	switch {
	case !after.Known:
		return evidence.LeakReport{Result: evidence.LeakUnknown, Reason: after.Reason}
	case c.heals && !c.resetAt.IsZero():
		return evidence.LeakReport{Result: evidence.LeakNone}
	default:
		return foundLeak()
	}
}

// withCard is inWorld with a leak that only a reset frees, and the reset wanted.
func withCard(t *testing.T, act func(c *card)) {
	t.Helper()
	inWorld(t, func(w *world) {
		c := &card{world: w, view: emptyGPU(), heals: true, resets: 5 * time.Second}
		w.ladder.GPU, w.ladder.Leaks, w.ladder.Reset = c, c.leaks, &GPUReset{View: c, Helper: c}
		act(c)
	})
}

var restartSteps = []string{"take a snapshot", "check that it is what was judged", "see that it would start again", "cancel our requests", "stop the container", "settle"}

// expectResetSteps compares what a restart did between its settling and the start.
func expectResetSteps(t *testing.T, report Report, want ...string) {
	t.Helper()
	steps := append(append([]string{}, restartSteps...), want...)
	expectSteps(t, report, append(steps, "start the container", "see the API answer")...)
}

func TestALeakWithoutAnOwnerIsFreedByAReset(t *testing.T) {
	withCard(t, func(c *card) {
		c.back = 10 * time.Second
		report := c.ladder.Restart(c.Context(), run("c1"), "vram_leak")
		if report.Err != nil || report.Leak.Result != evidence.LeakNone {
			t.Errorf("%v, leak %v", report.Err, report.Leak)
		}
		c.expect("gpu", "top", "inspect", "cancel", "stop c1", "gpu", "inspect", "close", "inspect", "reset", "open", "gpu", "start c1", "version")
		expectResetSteps(t, report, "see whether the GPU may be reset", "close our view of the GPU", "reset the GPU", "look at the GPU again")
		for step, want := range map[string]string{
			"settle":                           "leaked GPU 0: 3 MiB belong to no process",
			"see whether the GPU may be reset": "nobody holds the memory, and nobody uses the GPU",
			"look at the GPU again":            "clean",
		} {
			if got := stepOf(t, report, step).Detail; got != want {
				t.Errorf("%q says %q, want %q", step, got, want)
			}
		}
		if took := stepOf(t, report, "reset the GPU").Took; took != 5*time.Second {
			t.Errorf("the reset took %s", took)
		}
		c.expectOwed(false)
	})
}

func TestAResetThatFailsKeepsNobodyDown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *card)
		step   string
		detail string
		leak   evidence.LeakResult
		reset  bool
	}{
		"a process of ours that stays": {func(c *card) { c.stuck = true }, "close our view of the GPU", "failed: context deadline exceeded", evidence.LeakFound, false},
		"a helper that fails":          {func(c *card) { c.world.fails["reset"] = errBroken }, "reset the GPU", "failed: broken", evidence.LeakFound, true},
		"a driver that refuses":        {func(c *card) { c.refuses = errors.New("exit code 19") }, "reset the GPU", "failed: exit code 19", evidence.LeakFound, true},
		"a GPU that does not come back": {func(c *card) { c.back = time.Hour }, "look at the GPU again",
			"failed: gave up after 1m0s: the driver starts", evidence.LeakFound, true},
		"a reset that frees nothing": {func(c *card) { c.heals = false }, "look at the GPU again", "leaked GPU 0: 3 MiB belong to no process", evidence.LeakFound, true},
	} {
		withCard(t, func(card *card) {
			c.change(card)
			report := card.ladder.Restart(card.Context(), run("c1"), "vram_leak")
			if report.Err != nil || report.Leak.Result != c.leak || card.container.Status != evidence.Running {
				t.Errorf("%s: %v, leak %v, container %s", name, report.Err, report.Leak, card.container.Status)
			}
			if got := stepOf(t, report, c.step).Detail; got != c.detail {
				t.Errorf("%s: %q says %q, want %q", name, c.step, got, c.detail)
			}
			if card.isClosed {
				t.Errorf("%s: the view stays closed", name)
			}
			if tried := !card.ladder.Reset.last.IsZero(); tried != c.reset {
				t.Errorf("%s: it counts as tried: %v", name, tried)
			}
		})
	}
}

func wasReset(report Report) bool {
	return slices.ContainsFunc(report.Steps, func(step watch.Step) bool { return step.Name == "reset the GPU" })
}

func TestAResetIsTriedOnceADay(t *testing.T) {
	withCard(t, func(c *card) {
		c.heals = false
		for _, wanted := range []bool{true, false} {
			report := c.ladder.Restart(c.Context(), c.container.Identity, "vram_leak")
			if did := wasReset(report); did != wanted {
				t.Errorf("it was reset: %v, want %v: %+v", did, wanted, report.Steps)
			}
			time.Sleep(time.Hour)
		}
		time.Sleep(resetPause)
		if report := c.ladder.Restart(c.Context(), c.container.Identity, "vram_leak"); !wasReset(report) {
			t.Errorf("after a day it was not: %+v", report.Steps)
		}
	})
}

func TestAGPUThatOthersUseIsNotReset(t *testing.T) {
	withCard(t, func(c *card) {
		c.view.GPUs[0].Processes = []evidence.GPUProcess{{PID: 4711}}
		report := c.ladder.Restart(c.Context(), run("c1"), "vram_leak")
		expectResetSteps(t, report, "see whether the GPU may be reset")
		if got := stepOf(t, report, "see whether the GPU may be reset").Detail; got != "failed: 1 other processes use the GPU" {
			t.Errorf("it says %q", got)
		}
	})
}

// meddler has something happen while our view of the GPU is being closed.
type meddler struct {
	*card
	act func()
}

func (m meddler) Suspend(ctx context.Context) (func(), error) {
	m.act()
	return m.card.Suspend(ctx)
}

func TestAGPUIsNotResetUnderAContainerThatSomebodyStarted(t *testing.T) {
	withCard(t, func(c *card) {
		c.ladder.Reset.View = meddler{c, func() { c.container.Status, c.container.StartedAt = evidence.Running, time.Now() }}
		report := c.ladder.Restart(c.Context(), run("c1"), "vram_leak")
		if got := stepOf(t, report, "reset the GPU").Detail; got != "failed: the container is running: somebody else has started it" || !c.resetAt.IsZero() || c.isClosed {
			t.Errorf("%q, reset at %s, closed %v", got, c.resetAt, c.isClosed)
		}
		if !c.ladder.Reset.last.IsZero() {
			t.Error("what was not tried counts as tried")
		}
	})
	withCard(t, func(c *card) {
		leaks := c.ladder.Leaks
		c.ladder.Leaks = func(before, after evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport {
			c.container.Status, c.container.StartedAt = evidence.Running, time.Now()
			return leaks(before, after, owner)
		}
		report := c.ladder.Restart(c.Context(), run("c1"), "vram_leak")
		if wasReset(report) || c.isClosed {
			t.Errorf("%+v", report.Steps)
		}
	})
}

func TestAHelperThatIsNotThereCostsNoTry(t *testing.T) {
	withCard(t, func(c *card) {
		c.missing = errors.New("it does not exist: create it with Compose")
		report := c.ladder.Restart(c.Context(), run("c1"), "vram_leak")
		if got := stepOf(t, report, "see whether the GPU may be reset").Detail; got != "failed: it does not exist: create it with Compose" {
			t.Errorf("it says %q", got)
		}
		c.missing = nil
		c.world.fails["reset"] = evidence.ErrStartFailed // a guard that does not let it through
		c.ladder.Restart(c.Context(), c.container.Identity, "vram_leak")
		if !c.ladder.Reset.last.IsZero() {
			t.Error("it counts as tried")
		}
	})
}

func TestAStartWaitsForAResetOfAnEarlierClawgate(t *testing.T) {
	withCard(t, func(c *card) {
		down(c.world)
		c.world.takes["await"] = time.Minute
		report := c.ladder.Start(c.Context(), run("c1"), "down")
		c.expect("gpu", "await", "start c1", "version")
		if took := stepOf(t, report, "see that no reset is under way").Took; report.Err != nil || took != time.Minute {
			t.Errorf("%v, waited %s", report.Err, took)
		}
	})
}

func TestNothingIsResetWithoutCause(t *testing.T) {
	for name, change := range map[string]func(c *card){
		"it is not wanted":  func(c *card) { c.ladder.Reset = nil },
		"there is no leak":  func(c *card) { c.resetAt = time.Now() },
		"it cannot be told": func(c *card) { c.view = evidence.GPUView{Reason: "no driver"} },
	} {
		withCard(t, func(c *card) {
			change(c)
			report := c.ladder.Restart(c.Context(), run("c1"), "wedged")
			if report.Err != nil {
				t.Errorf("%s: %v", name, report.Err)
			}
			expectResetSteps(t, report)
		})
	}
}

func TestAResetUnderWayIsAwaitedThoughClawgateEnds(t *testing.T) {
	withCard(t, func(c *card) {
		ctx, end := context.WithCancel(c.Context())
		c.resets = time.Minute
		time.AfterFunc(time.Minute, end) // in the midst of it
		c.ladder.Restart(ctx, run("c1"), "vram_leak")
		if c.container.Status != evidence.Running || c.started.Before(c.resetAt) || c.resetAt.IsZero() {
			t.Errorf("reset at %s, container %s since %s", c.resetAt, c.container.Status, c.started)
		}
	})
}
