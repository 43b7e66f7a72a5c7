package recovery

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func down(w *world) { w.container.Status, w.processes = evidence.Exited, nil }

func TestAContainerThatEndedIsStarted(t *testing.T) {
	inWorld(t, func(w *world) {
		down(w)
		w.boots = time.Minute
		report := w.ladder.Start(w.Context(), run("c1"), "down")
		if report.Err != nil || report.Leak != nil || !report.Snapshot.Known {
			t.Errorf("%+v", report)
		}
		w.expect("gpu", "start c1", "version")
		w.expectIntents("start c1 down")
		w.expectOwed(false)
		expectSteps(t, report, "take a snapshot", "start the container", "see the API answer")
	})
}

func TestWhoOwesAStartThatFailed(t *testing.T) {
	inWorld(t, func(w *world) { // nobody: it ended by itself
		down(w)
		w.fails["start"] = errBroken
		if report := w.ladder.Start(w.Context(), run("c1"), "down"); !errors.Is(report.Err, errBroken) {
			t.Error(report.Err)
		}
		w.expectOwed(false)
	})
	inWorld(t, func(w *world) { // Clawgate: it was stopped for a restart
		down(w)
		if err := w.ladder.Journal.Begin(Intent{Container: run("c1"), Reason: "wedged"}); err != nil {
			w.Fatal(err)
		}
		w.fails["start"] = errBroken
		w.ladder.Start(w.Context(), run("c1"), "down")
		w.expectOwed(true)
		w.fails["start"] = nil
		w.ladder.Start(w.Context(), run("c1"), "down")
		w.expectOwed(false)
	})
}

func TestAStartNeedsNoJournal(t *testing.T) {
	inWorld(t, func(w *world) {
		down(w)
		w.ladder.Journal, _ = OpenJournal("")
		if report := w.ladder.Start(w.Context(), run("c1"), "down"); report.Err != nil {
			t.Error(report.Err)
		}
		w.expectIntents("start")
	})
}

// The disk fills between the stop and the start: a directory in the place of the
// file that the journal writes first makes every write fail.
func TestAStartThatCannotBeWrittenDownHasItsEffect(t *testing.T) {
	inWorld(t, func(w *world) {
		check := w.ladder.Leaks
		w.ladder.Leaks = func(before, after evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport {
			if err := os.Mkdir(w.folder+"/recovery.json.new", 0o700); err != nil {
				t.Error(err)
			}
			return check(before, after, owner)
		}
		report := w.ladder.Restart(w.Context(), run("c1"), "wedged")
		if report.Err != nil || w.container.Status != evidence.Running {
			t.Errorf("%v, container %s", report.Err, w.container.Status)
		}
	})
}
