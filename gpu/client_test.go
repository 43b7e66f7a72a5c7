package gpu

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func defiant(t *testing.T) func() *exec.Cmd {
	return func() *exec.Cmd { return childCommand(t, childDefies) }
}

func impatient(c *Client) {
	c.config.Deadline = 200 * time.Millisecond
	c.delays.closing = 10 * time.Millisecond
	c.delays.terminating = 200 * time.Millisecond
}

func TestChildThatDefiesIsKilled(t *testing.T) {
	w := watch(t, defiant(t), func(c *Client) {
		impatient(c)
		c.delays.terminating = 2 * time.Second // SIGTERM has no effect, SIGKILL at once
	})
	pid := w.readyPID(t)
	if view := w.View(t.Context()); view.Known {
		t.Errorf("the view is known: %+v", view)
	}
	w.log.await(t, "gpu view unknown")
	mustBeGone(t, pid)
}

// A process in an uninterruptible driver call gets SIGKILL and stays. Here the
// process does end, but its end is not seen.
func TestNoSecondChildWhileAStuckOneLives(t *testing.T) {
	release := make(chan struct{})
	w := watch(t, defiant(t), func(c *Client) {
		impatient(c)
		c.delays.backoffFirst = time.Millisecond
		c.wait = func(cmd *exec.Cmd) error {
			err := cmd.Wait()
			<-release
			return err
		}
	})
	w.readyPID(t)
	w.View(t.Context())
	reason := w.log.await(t, "gpu view unknown")["reason"].String()
	if !strings.Contains(reason, "stuck in the NVIDIA driver") {
		t.Fatalf("the reason is %q", reason)
	}
	for _, ask := range []func(context.Context) string{
		func(ctx context.Context) string { return w.View(ctx).Reason },
		func(ctx context.Context) string { return w.FreshView(ctx).Reason },
	} {
		if got := ask(t.Context()); got != reason {
			t.Errorf("the view's reason is %q", got)
		}
	}
	if w.started() != 1 {
		t.Errorf("%d processes were started", w.started())
	}
	close(release)
	w.childPID(t) // now the next one may start
}

func TestRunDoesNotWaitForAStuckChild(t *testing.T) {
	release := make(chan struct{})
	reaped := make(chan struct{})
	w := watch(t, defiant(t), func(c *Client) {
		impatient(c)
		c.wait = func(cmd *exec.Cmd) error {
			defer close(reaped)
			err := cmd.Wait()
			<-release
			return err
		}
	})
	w.readyPID(t)
	w.View(t.Context())
	w.log.await(t, "gpu view unknown")
	w.stop()
	close(release)
	<-reaped
}

func TestEndLeavesNoProcessAndNoOpenFile(t *testing.T) {
	openFiles := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatalf("cannot count open files: %v", err)
		}
		return len(entries)
	}
	before := openFiles()
	for range 5 {
		w := watch(t, func() *exec.Cmd { return childCommand(t, childServes, "NVML_STUB_LIBRARY=/nowhere") }, nil)
		pid := w.childPID(t)
		w.FreshView(t.Context())
		w.FreshView(t.Context())
		w.stop()
		mustBeGone(t, pid)
	}
	// The first child also opens the runtime's poller, for good.
	if after := openFiles(); after > before+3 {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	w := watch(t, func() *exec.Cmd { return childCommand(t, childServes, "NVML_STUB_LIBRARY=/nowhere") }, nil)
	var asking sync.WaitGroup
	for i := range 50 {
		asking.Go(func() {
			view := w.View(t.Context())
			if i%2 == 0 {
				view = w.FreshView(t.Context())
			}
			if view.Known || view.Reason == "" {
				t.Errorf("got %+v", view)
			}
		})
	}
	asking.Wait()
}

func TestViewEndsWithItsCaller(t *testing.T) {
	w := watch(t, defiant(t), func(c *Client) { c.delays.closing = 10 * time.Millisecond })
	w.readyPID(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if view := w.View(ctx); view.Known || view.Reason == "" {
		t.Errorf("got %+v", view)
	}
}

func TestViewIsUnknownBeforeRunAndAfterIt(t *testing.T) {
	client := NewClient(Config{Deadline: 10 * time.Millisecond})
	if view := client.View(t.Context()); view.Known || !strings.Contains(view.Reason, "no answer from NVML within 10ms") {
		t.Errorf("before Run: %+v", view)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	if view := client.View(t.Context()); view.Known || !strings.Contains(view.Reason, "has ended") {
		t.Errorf("after Run: %+v", view)
	}
}

func TestProgramThatCannotBeStartedIsAReason(t *testing.T) {
	w := watch(t, func() *exec.Cmd { return exec.Command("/nowhere/clawgate") }, nil)
	w.log.await(t, "gpu view unknown")
	if view := w.View(t.Context()); view.Known || !strings.Contains(view.Reason, `cannot start "/nowhere/clawgate"`) {
		t.Errorf("got %+v", view)
	}
}

func TestChildGetsNoneOfOurSettings(t *testing.T) {
	t.Setenv("CLAWGATE_ADMIN_TOKEN", "secret")
	t.Setenv("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
	cmd, err := ownCommand("/lib/libnvidia-ml.so.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range cmd.Env {
		if strings.HasPrefix(entry, "CLAWGATE_") {
			t.Errorf("the child gets %s", entry)
		}
	}
	if !slices.Contains(cmd.Env, "LD_LIBRARY_PATH=/usr/local/nvidia/lib64") {
		t.Error("the child does not get the loader's path")
	}
	if want := []string{"nvml", "-library", "/lib/libnvidia-ml.so.1"}; !slices.Equal(cmd.Args[1:], want) {
		t.Errorf("arguments %q", cmd.Args)
	}
}

func TestServeRefusesAPerson(t *testing.T) {
	output, err := childCommand(t, childServes).CombinedOutput()
	if err == nil || !strings.Contains(string(output), ErrNotAChild.Error()) {
		t.Errorf("%v: %s", err, output)
	}
}

func TestOffIsUnknownForAReason(t *testing.T) {
	for _, view := range []string{Off{}.View(t.Context()).Reason, Off{}.FreshView(t.Context()).Reason} {
		if view != "the GPU view is turned off" {
			t.Errorf("the reason is %q", view)
		}
	}
	if (Off{}).View(t.Context()).Known {
		t.Error("a view that is off is known")
	}
}
