package gpu

import (
	"context"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// journal collects log records, to wait for one.
type journal struct {
	slog.Handler
	records chan slog.Record
}

func newJournal() *journal {
	return &journal{Handler: slog.DiscardHandler, records: make(chan slog.Record, 1000)}
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, record slog.Record) error {
	j.records <- record
	return nil
}

// await returns the next record with the message, and its attributes.
func (j *journal) await(t *testing.T, text string) map[string]slog.Value {
	t.Helper()
	for {
		select {
		case record := <-j.records:
			if record.Message != text {
				continue
			}
			attributes := map[string]slog.Value{}
			record.Attrs(func(a slog.Attr) bool { attributes[a.Key] = a.Value; return true })
			return attributes
		case <-time.After(patience):
			t.Fatalf("%q was not logged within %s", text, patience)
		}
	}
}

// patience is how long a test waits for what must come. A loaded machine takes
// seconds to start a process under the race detector.
const patience = 30 * time.Second

// watcher is a Client that runs.
type watcher struct {
	*Client
	log  *journal
	stop func() // ends Run and waits for it

	mu     sync.Mutex
	starts int
}

func (w *watcher) started() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starts
}

// watch runs a Client of the command for the length of the test, with patience
// enough for a loaded machine, unless adjust says otherwise.
func watch(t *testing.T, command func() *exec.Cmd, adjust func(*Client)) *watcher {
	t.Helper()
	w := &watcher{log: newJournal()}
	w.Client = NewClient(Config{
		Deadline:      patience,
		StartDeadline: patience,
		Log:           slog.New(w.log),
		Command: func() (*exec.Cmd, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.starts++
			return command(), nil
		},
	})
	w.delays.backoffFirst = time.Hour // tests ask for the next child by FreshView
	w.delays.backoffMost = time.Hour
	w.delays.closing = patience
	if adjust != nil {
		adjust(w.Client)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(2 * patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(w.stop)
	return w
}

// childPID waits for the next child.
func (w *watcher) childPID(t *testing.T) int {
	t.Helper()
	return int(w.log.await(t, "nvml process started")["pid"].Int64())
}

// readyPID waits until the next child can be asked.
func (w *watcher) readyPID(t *testing.T) int {
	t.Helper()
	return int(w.log.await(t, "nvml process ready")["pid"].Int64())
}

func mustBeKnown(t *testing.T, view evidence.GPUView) evidence.GPUView {
	t.Helper()
	if !view.Known {
		t.Fatalf("the view is unknown: %s", view.Reason)
	}
	return view
}

func mustBeGone(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d is still there (%v)", pid, err)
	}
}
