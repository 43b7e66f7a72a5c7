//go:build linux && cgo

package gpu

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func mustBeUnknown(t *testing.T, view evidence.GPUView, because string) {
	t.Helper()
	if view.Known || len(view.GPUs) != 0 {
		t.Fatalf("the view is known: %+v", view)
	}
	if !strings.Contains(view.Reason, because) {
		t.Errorf("the reason is %q and says nothing of %q", view.Reason, because)
	}
	if view.SeenAt.IsZero() {
		t.Error("the view has no time")
	}
}

func TestInitialisationErrorIsAReasonAndHealsItself(t *testing.T) {
	for _, c := range []struct {
		code     int
		because  string
		mismatch bool
	}{
		{4, "no permission to use the NVIDIA driver", false},
		{9, "the NVIDIA kernel driver is not loaded", false},
		{15, "a GPU is lost", false},
		{16, "a GPU needs a reset", false},
		{17, "may have lost its GPU devices", false},
		{18, "different versions", true},
		{28, "no GPU was found", false},
		{77, "unexpected error (NVML 77)", false},
		{999, "may have lost its GPU devices", false},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			h := newHost(t, newDriver, fmt.Sprintf("return nvmlInit_v2 %d", c.code))
			w := h.watch(nil)
			w.log.await(t, "gpu view unknown")
			view := w.View(t.Context())
			mustBeUnknown(t, view, c.because)
			if view.Mismatch != c.mismatch {
				t.Errorf("mismatch is %v", view.Mismatch)
			}
			h.becomes()
			if view := mustBeKnown(t, w.FreshView(t.Context())); view.Mismatch {
				t.Error("the mismatch outlives its cause")
			}
		})
	}
}

func TestMissingLibraryIsNoDriver(t *testing.T) {
	h := newHost(t, newDriver)
	h.library = filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	w := h.watch(nil)
	w.log.await(t, "gpu view unknown")
	mustBeUnknown(t, w.View(t.Context()), "no NVIDIA driver library")
}

func TestLibraryWithoutTheFunctionsCostsOnlyTheView(t *testing.T) {
	w := newHost(t, notNVML).watch(nil)
	w.log.await(t, "gpu view unknown")
	view := w.View(t.Context())
	mustBeUnknown(t, view, "exit status 127")
	mustBeUnknown(t, view, "undefined symbol: nvmlInit")
}

func TestErrorAfterInitialisationLeadsToAFreshOne(t *testing.T) {
	h := newHost(t, newDriver)
	w := h.watch(nil)
	mustBeKnown(t, w.View(t.Context()))
	h.becomes("return nvmlDeviceGetCount_v2 999")
	mustBeUnknown(t, w.View(t.Context()), "cannot count the GPUs")
	h.becomes()
	mustBeKnown(t, w.FreshView(t.Context()))
	if w.started() != 2 {
		t.Errorf("%d processes were started", w.started())
	}
}

func TestHangInTheDriverEndsAtTheDeadline(t *testing.T) {
	for function, deadline := range map[string]func(*Config){
		"nvmlInit_v2":                             func(c *Config) { c.StartDeadline = 300 * time.Millisecond },
		"nvmlDeviceGetMemoryInfo_v2":              func(c *Config) { c.Deadline = 300 * time.Millisecond },
		"nvmlDeviceGetComputeRunningProcesses_v3": func(c *Config) { c.Deadline = 300 * time.Millisecond },
	} {
		t.Run(function, func(t *testing.T) {
			w := newHost(t, newDriver, "hang "+function).watch(func(c *Client) { deadline(&c.config) })
			pid := w.childPID(t)
			if function != "nvmlInit_v2" {
				w.readyPID(t)
			}
			mustBeUnknown(t, w.View(t.Context()), "")
			if reason := w.log.await(t, "gpu view unknown")["reason"].String(); !strings.Contains(reason, "hangs in the driver") {
				t.Errorf("the reason is %q", reason)
			}
			mustBeGone(t, pid)
		})
	}
}

func TestEndIsSeenWhileTheDriverHangs(t *testing.T) {
	for _, function := range []string{"nvmlInit_v2", "nvmlEventSetWait_v2", "nvmlDeviceGetName"} {
		t.Run(function, func(t *testing.T) {
			w := newHost(t, newDriver, "hang "+function).watch(nil)
			pid := w.childPID(t)
			go w.View(t.Context()) // outlives neither Run nor the test
			started := time.Now()
			w.stop() // closes the child's input, and would signal it only much later
			if took := time.Since(started); took >= patience {
				t.Errorf("the end took %s", took)
			}
			mustBeGone(t, pid)
		})
	}
}

func TestCrashInTheDriverCostsOnlyTheView(t *testing.T) {
	h := newHost(t, newDriver, "crash nvmlDeviceGetMemoryInfo_v2")
	w := h.watch(nil)
	mustBeUnknown(t, w.View(t.Context()), "SIGSEGV")
	h.becomes()
	mustBeKnown(t, w.FreshView(t.Context()))
}

func TestKilledChildIsReplaced(t *testing.T) {
	w := newHost(t, newDriver).watch(nil)
	mustBeKnown(t, w.View(t.Context()))
	pid := w.childPID(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	reason := w.log.await(t, "gpu view unknown")["reason"].String()
	if !strings.Contains(reason, "signal: killed") {
		t.Errorf("the reason is %q", reason)
	}
	mustBeKnown(t, w.FreshView(t.Context()))
	w.log.await(t, "gpu view known")
}

func TestNonsenseIsNoAnswer(t *testing.T) {
	for role, because := range map[string]string{
		childBabbles:  "cannot read a line",
		childMistakes: "an answer to question 4711",
	} {
		t.Run(role, func(t *testing.T) {
			w := watch(t, func() *exec.Cmd { return childCommand(t, role) }, nil)
			pid := w.childPID(t)
			view := w.View(t.Context())
			mustBeUnknown(t, view, "")
			reason := w.log.await(t, "gpu view unknown")["reason"].String()
			if !strings.Contains(reason, "spoke nonsense") || !strings.Contains(reason, because) {
				t.Errorf("the reason is %q", reason)
			}
			mustBeGone(t, pid)
		})
	}
}

func TestFreshViewSeesWhatTheOldProcessCannot(t *testing.T) {
	h := newHost(t, newDriver)
	w := h.watch(nil)
	mustBeKnown(t, w.View(t.Context()))
	first := w.childPID(t)
	h.becomes("return nvmlInit_v2 18")
	mustBeKnown(t, w.View(t.Context())) // initialised long ago
	view := w.FreshView(t.Context())
	mustBeUnknown(t, view, "different versions")
	if !view.Mismatch {
		t.Error("no mismatch is reported")
	}
	mustBeGone(t, first)
}

func TestXidArrivesAndPastOnesDoNot(t *testing.T) {
	h := newHost(t, newDriver, "xid 0 31")
	registered := h.hearsRegistrations()
	xids := make(chan evidence.Xid, 10)
	w := h.watch(func(c *Client) { c.config.OnXid = func(x evidence.Xid) { xids <- x } })
	registered()
	h.becomes("xid 0 31", "xid 0 79", "xid 0 154")
	for _, code := range []uint64{79, 154} {
		select {
		case xid := <-xids:
			if xid.Code != code || xid.GPU != "GPU-00000000-0000-0000-0000-000000000000" || xid.At.IsZero() {
				t.Errorf("got %+v, want Xid %d", xid, code)
			}
		case <-time.After(patience):
			t.Fatalf("Xid %d did not arrive", code)
		}
	}
	mustBeKnown(t, w.View(t.Context()))
}

func TestDriverWithoutEventsIsStillSeen(t *testing.T) {
	for name, state := range map[string]string{
		"no such call":      "return nvmlDeviceGetSupportedEventTypes 3",
		"no Xid events":     "events 1",
		"no registration":   "return nvmlDeviceRegisterEvents 3",
		"lost at the start": "return nvmlDeviceRegisterEvents 15",
		"lost while asked":  "return nvmlEventSetWait_v2 15",
		"no event set":      "return nvmlEventSetCreate 999",
		"a wait that hangs": "hang nvmlEventSetWait_v2",
	} {
		t.Run(name, func(t *testing.T) {
			w := newHost(t, newDriver, state).watch(nil)
			mustBeKnown(t, w.View(t.Context()))
			mustBeKnown(t, w.View(t.Context()))
		})
	}
}
