package recovery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestARestartGoesStepByStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.boots, w.takes["stop"] = 10*time.Second, 2*time.Second
		began := time.Now()
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if report.Err != nil {
			t.Error(report.Err)
		}
		w.expect("gpu", "top", "inspect", "cancel", "stop c1", "gpu", "leaks of c1 [1 10]", "start c1", "version")
		w.expectIntents("stop c1 wedged", "start c1 wedged")
		w.expectOwed(false)
		expectSteps(t, report, "take a snapshot", "check that it is what was judged", "see that it would start again", "cancel our requests",
			"stop the container", "settle", "start the container", "see the API answer")
		for i, want := range []time.Duration{0, 0, 0, 0, 2 * time.Second, 5 * time.Second, 0, 10 * time.Second} {
			if got := report.Steps[i]; got.Took != want {
				t.Errorf("%q took %s, want %s", got.Name, got.Took, want)
			}
		}
		if report.Leak == nil || report.Leak.Result != evidence.LeakNone || !report.Snapshot.Known {
			t.Errorf("leak %v, snapshot %v", report.Leak, report.Snapshot)
		}
		if got := report.Steps[0].Detail; got != "1 GPUs; H200: 3 MiB of 9 MiB used by 0 processes" {
			t.Errorf("the snapshot says %q", got)
		}
		if added := time.Since(began) - 17*time.Second; added > poll {
			t.Errorf("Clawgate added %s", added)
		}
	})
}

// TestAServerThatDoesNotComeUpIsAskedEverMoreSeldom: closely at first, and hardly at
// the end.
func TestAServerThatDoesNotComeUpIsAskedEverMoreSeldom(t *testing.T) {
	inWorld(t, func(w *world) {
		w.boots = time.Hour
		if report := w.ladder.Start(w.Context(), run("c1"), "down"); report.Err == nil {
			t.Error("a server that never answered was started")
		}
		asked := 0
		for _, call := range w.done {
			if call == "version" {
				asked++
			}
		}
		if most := int(soon/poll) + 150; asked > most {
			t.Errorf("asked %d times in %s, want at most %d", asked, serverUp, most)
		}
	})
}

func TestADriverThatWasReplacedForbidsTheRestart(t *testing.T) {
	matches, mismatch := evidence.GPUView{Known: true}, evidence.GPUView{Mismatch: true, Reason: "different versions"}
	hidden := evidence.GPUView{Reason: "NVML hangs"}
	for name, c := range map[string]struct {
		fresh     evidence.GPUView
		wantsGPU  bool
		forbidden bool
	}{
		"a driver that matches":         {fresh: matches, wantsGPU: true},
		"a driver that cannot be seen":  {fresh: hidden, wantsGPU: true},
		"a container that needs no GPU": {fresh: mismatch},
		"a driver that does not":        {fresh: mismatch, wantsGPU: true, forbidden: true},
	} {
		inWorld(t, func(w *world) {
			w.container.GPURequested = c.wantsGPU
			w.ladder.Fresh = func(context.Context) evidence.GPUView { return c.fresh }
			report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
			if errors.Is(report.Err, evidence.ErrMismatch) != c.forbidden || (report.Err == nil) == c.forbidden {
				t.Errorf("%s: %v", name, report.Err)
			}
			if stopped := !w.stopped.IsZero(); stopped == c.forbidden {
				t.Errorf("%s: it was stopped: %v", name, stopped)
			}
			w.expectOwed(false)
		})
	}
}

func TestARunThatWasNotJudgedIsNotTouched(t *testing.T) {
	later := run("c1")
	later.StartedAt = later.StartedAt.Add(time.Nanosecond)
	for name, judged := range map[string]evidence.Identity{"another container": run("c0"), "another run of it": later} {
		inWorld(t, func(w *world) {
			report := w.ladder.Restart(w.Context(), judged, "wedged")
			if !errors.Is(report.Err, evidence.ErrChanged) {
				t.Errorf("%s: %v", name, report.Err)
			}
			w.expect("gpu", "top", "inspect")
			w.expectOwed(false)
		})
	}
}

func TestAContainerThatDoesNotRunIsNotRestarted(t *testing.T) {
	for _, status := range []evidence.Status{evidence.Exited, evidence.Paused, evidence.Restarting} {
		inWorld(t, func(w *world) {
			w.container.Status = status
			report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
			if !errors.Is(report.Err, evidence.ErrChanged) {
				t.Errorf("%s: %v", status, report.Err)
			}
			w.expect("gpu", "top", "inspect")
			w.expectOwed(false)
		})
	}
}

func TestARunThatChangesUnderTheStopIsLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fails["stop"] = evidence.ErrChanged
		cancel := w.ladder.Cancel
		w.ladder.Cancel = func(model string) int { w.container.Status = evidence.Exited; return cancel(model) }
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if !errors.Is(report.Err, evidence.ErrChanged) || report.Leak != nil {
			t.Errorf("%v, leak %v", report.Err, report.Leak)
		}
		w.expect("gpu", "top", "inspect", "cancel", "stop c1")
		w.expectOwed(false)
	})
}

// A stop whose caller got an error may take effect all the same: what came of it is
// for the next inspections to see.
func TestAStopThatFailedStaysOwedUntilItsEndIsSeen(t *testing.T) {
	for _, why := range []error{errBroken, evidence.ErrWontDie} {
		inWorld(t, func(w *world) {
			w.fails["stop"] = why
			report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
			if !errors.Is(report.Err, why) || !strings.HasPrefix(report.Err.Error(), "cannot stop the container: ") || !report.StopSent {
				t.Errorf("%v, sent %v", report.Err, report.StopSent)
			}
			w.expect("gpu", "top", "inspect", "cancel", "stop c1")
			w.expectIntents("stop c1 wedged")
			w.expectOwed(true)
			if intent, _ := w.ladder.Journal.Pending(); intent.StopTakes != time.Minute {
				t.Errorf("a stop with a timeout of 30 s may take %s", intent.StopTakes)
			}
		})
	}
}

func TestAStopThatWasRefusedIsNotOwed(t *testing.T) {
	for _, why := range []error{evidence.ErrChanged, evidence.ErrPaused} {
		inWorld(t, func(w *world) {
			w.fails["stop"] = why
			if report := w.ladder.Restart(w.Context(), run("c1"), "wedged"); !errors.Is(report.Err, why) || report.StopSent {
				t.Errorf("%v, sent %v", report.Err, report.StopSent)
			}
			w.expectOwed(false)
		})
	}
}

func TestAPersonsStopWhileItLooksAroundIsRespected(t *testing.T) {
	inWorld(t, func(w *world) {
		w.container.GPURequested = true
		w.ladder.Fresh = func(context.Context) evidence.GPUView {
			w.container.Status = evidence.Exited
			return evidence.GPUView{Known: true}
		}
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if !errors.Is(report.Err, evidence.ErrChanged) || w.container.Status != evidence.Exited {
			t.Errorf("%v, container %s", report.Err, w.container.Status)
		}
		w.expectOwed(false)
	})
}

func TestAFailedStartStaysOwed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fails["start"] = errBroken
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if !errors.Is(report.Err, errBroken) || report.Leak == nil {
			t.Errorf("%v, leak %v", report.Err, report.Leak)
		}
		w.expectOwed(true)
	})
}

func TestAStartThatSomebodyElseMadeIsNotOwed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fails["start"] = evidence.ErrChanged
		if report := w.ladder.Restart(w.Context(), run("c1"), "wedged"); !errors.Is(report.Err, evidence.ErrChanged) {
			t.Error(report.Err)
		}
		w.expectOwed(false)
	})
}

func TestWithoutAJournalTheEngineRestartsInOneCall(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ladder.Journal, _ = OpenJournal("")
		w.takes["restart"] = 3 * time.Second
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if report.Err != nil || report.Leak != nil {
			t.Errorf("%v, leak %v", report.Err, report.Leak)
		}
		w.expect("gpu", "top", "inspect", "cancel", "restart c1", "version")
		w.expectIntents("restart")
	})
}

func TestALeakKeepsNobodyDown(t *testing.T) {
	for name, c := range map[string]struct {
		held, settled time.Duration
		want          evidence.LeakResult
	}{
		"memory that comes back":       {12 * time.Second, 12 * time.Second, evidence.LeakNone},
		"memory that never comes back": {time.Hour, 35 * time.Second, evidence.LeakFound},
	} {
		inWorld(t, func(w *world) {
			w.leakedFor = c.held
			report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
			if report.Err != nil || report.Leak.Result != c.want {
				t.Errorf("%s: %v, leak %v", name, report.Err, report.Leak)
			}
			if settle := stepOf(t, report, "settle"); settle.Took != c.settled || !strings.HasPrefix(settle.Detail, string(c.want)) {
				t.Errorf("%s: settled %s: %s, want %s", name, settle.Took, settle.Detail, c.settled)
			}
		})
	}
}

func TestWhatIsStoppedIsStartedThoughClawgateEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, end := context.WithCancel(w.Context())
		cancel := w.ladder.Cancel
		w.ladder.Cancel = func(model string) int { time.AfterFunc(time.Second, end); return cancel(model) }
		w.takes["stop"] = 2 * time.Second
		w.ladder.Restart(ctx, run("c1"), "wedged")
		if w.container.Status != evidence.Running || w.started.IsZero() {
			t.Errorf("left %s", w.container.Status)
		}
		w.expectOwed(false)
	})
}

func TestAnAPIThatNeverComesUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hangs["version"] = true
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if report.Err == nil || !strings.HasPrefix(report.Err.Error(), "cannot see the API answer: gave up after 2m0s: ") {
			t.Error(report.Err)
		}
		if last := report.Steps[len(report.Steps)-1]; last.Took != serverUp {
			t.Errorf("waited %s", last.Took)
		}
		w.expectOwed(false) // it was started
	})
}

func TestABlindRestartGoesOnWithoutTheList(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hangs["top"] = true
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if report.Err != nil || report.Steps[0].Took != lookUp {
			t.Errorf("%v, snapshot took %s", report.Err, report.Steps[0].Took)
		}
	})
}

// A stop of an earlier Clawgate takes effect between our look and our own stop.
func TestAnOwedStartSurvivesAStopThatCameTooLate(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := w.ladder.Journal.Begin(Intent{Container: run("c1"), Reason: "earlier", At: time.Now(), StopTakes: time.Minute}); err != nil {
			t.Fatal(err)
		}
		w.fails["stop"] = evidence.ErrChanged // it has exited by then
		w.ladder.Restart(w.Context(), run("c1"), "wedged")
		w.expectOwed(true)
	})
}
