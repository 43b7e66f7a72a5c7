package gpu

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// blind is a child that answers, without any driver.
func blind(t *testing.T) func() *exec.Cmd {
	return func() *exec.Cmd { return childCommand(t, childServes, "NVML_STUB_LIBRARY=/nowhere") }
}

func mustSuspend(t *testing.T, w *watcher) (resume func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resume, err := w.Suspend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return resume
}

func mustBeClosed(t *testing.T, w *watcher) {
	t.Helper()
	if view := w.View(t.Context()); view.Known || view.Reason != suspended().Reason {
		t.Errorf("while it is closed the view is %+v", view)
	}
	if view := w.FreshView(t.Context()); view.Known || view.Reason != suspended().Reason {
		t.Errorf("while it is closed a fresh view is %+v", view)
	}
}

func TestSuspensionEndsAChildThatWaits(t *testing.T) {
	w := watch(t, func() *exec.Cmd { return childCommand(t, childMistakes) }, nil)
	pid := w.readyPID(t)
	resume := mustSuspend(t, w)
	mustBeGone(t, pid)
	mustBeClosed(t, w)
	if w.started() != 1 {
		t.Errorf("%d processes were started", w.started())
	}
	resume()
	w.readyPID(t)
	resume() // again, which says nothing
}

func TestSuspensionComesWhileNoChildLives(t *testing.T) {
	w := watch(t, blind(t), nil)
	w.log.await(t, "gpu view unknown") // the next child is an hour away
	resume := mustSuspend(t, w)
	mustBeClosed(t, w)
	resume()
	w.childPID(t)
}

func TestSuspensionsComeOneAfterTheOther(t *testing.T) {
	w := watch(t, func() *exec.Cmd { return childCommand(t, childMistakes) }, nil)
	resume := mustSuspend(t, w)
	second := make(chan func())
	go func() {
		resume, err := w.Suspend(t.Context())
		if err != nil {
			t.Error(err)
		}
		second <- resume
	}()
	mustBeClosed(t, w)
	select {
	case <-second:
		t.Error("two suspensions at once")
	default:
	}
	resume()
	(<-second)()
	w.readyPID(t)
}

func TestStuckChildCannotBeSuspended(t *testing.T) {
	release := make(chan struct{})
	w := watch(t, defiant(t), func(c *Client) {
		impatient(c)
		c.wait = func(cmd *exec.Cmd) error {
			err := cmd.Wait()
			<-release
			return err
		}
	})
	w.readyPID(t)
	ctx, leave := context.WithCancelCause(t.Context())
	left := make(chan error)
	go func() {
		_, err := w.Suspend(ctx)
		left <- err
	}()
	w.log.await(t, "gpu view unknown")
	leave(errors.New("waited long enough"))
	if err := <-left; err == nil || !strings.Contains(err.Error(), "cannot end the NVML process: waited long enough") {
		t.Errorf("got %v", err)
	}
	close(release)
	w.log.await(t, "gpu view closed for a reset") // of which the caller has long left
	w.readyPID(t)
}

func TestSuspensionEndsWithRun(t *testing.T) {
	w := watch(t, blind(t), nil)
	resume := mustSuspend(t, w)
	w.stop()
	resume()
	if _, err := w.Suspend(t.Context()); !errors.Is(err, errEnded) {
		t.Errorf("after Run: %v", err)
	}
}

func TestSuspensionBeforeRunEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := NewClient(Config{}).Suspend(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOffHasNothingToSuspend(t *testing.T) {
	resume, err := Off{}.Suspend(t.Context())
	if err != nil {
		t.Error(err)
	}
	resume()
}
