package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	model  = "qwen3:32b"
	blob   = "/root/.ollama/models/blobs/sha256-aa"
	others = "/root/.ollama/models/blobs/sha256-bb"
)

var errBroken = errors.New("broken")

// world is a container, its engine, its server and its GPU. It writes down what
// is done to it, in order, in virtual time.
type world struct {
	*testing.T
	ladder *Ladder
	folder string // of the journal

	done []string
	// fails are errors by the call that gets them; hangs are calls that only
	// their deadline ends; takes is how long a call takes.
	fails map[string]error
	hangs map[string]bool
	takes map[string]time.Duration

	container evidence.Container
	processes []evidence.Process
	blob      string
	goneAt    time.Time     // of the runner; zero while nobody unloads it
	unloads   time.Duration // from the call to the runner's end; negative: never
	boots     time.Duration // from the start to the API's first answer
	leakedFor time.Duration // from the stop; GPU memory comes back after it
	started   time.Time
	stopped   time.Time
	intents   []string // what the journal on disk said at each write to the engine
}

func run(id string) evidence.Identity {
	return evidence.Identity{ID: id, StartedAt: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// inWorld runs a test in a bubble, with a model loaded in a container that runs.
func inWorld(t *testing.T, act func(w *world)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, folder: folder, fails: map[string]error{}, hangs: map[string]bool{}, takes: map[string]time.Duration{},
			container: evidence.Container{Identity: run("c1"), Status: evidence.Running},
			processes: []evidence.Process{{PID: 1, Command: "/bin/ollama serve"}, {PID: 10, Command: "/bin/ollama runner --model " + blob}},
			blob:      blob,
		}
		w.ladder = &Ladder{
			Engine: w, View: w, Server: w, GPU: w, Leaks: w.leaks, Journal: w.open(), Cancel: w.cancel,
			Log: slog.New(slog.DiscardHandler), StopTimeout: 30 * time.Second, SettleDelay: 5 * time.Second, LeakWait: 30 * time.Second,
		}
		act(w)
	})
}

func (w *world) open() *Journal {
	journal, err := OpenJournal(w.folder)
	if err != nil {
		w.Fatal(err)
	}
	return journal
}

// call writes a call down and lets it fail, hang or last as the test wants.
func (w *world) call(ctx context.Context, name string, details ...any) error {
	w.done = append(w.done, strings.TrimSpace(name+" "+fmt.Sprint(details...)))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if w.hangs[name] {
		if _, bounded := ctx.Deadline(); !bounded {
			w.Errorf("%s has no deadline", name)
			return errBroken
		}
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(w.takes[name])
	return w.fails[name]
}

// write is a call that changes the container.
func (w *world) write(ctx context.Context, name string, run evidence.Identity) error {
	intent, pending := w.open().Pending()
	if pending {
		w.intents = append(w.intents, name+" "+intent.Container.ID+" "+intent.Reason)
	} else {
		w.intents = append(w.intents, name)
	}
	if err := w.call(ctx, name, run.ID); err != nil {
		return err
	}
	if run.ID != w.container.ID || !run.StartedAt.Equal(w.container.StartedAt) {
		return evidence.ErrChanged
	}
	return nil
}

func (w *world) Stop(ctx context.Context, run evidence.Identity, timeout time.Duration) error {
	if timeout != 30*time.Second {
		w.Errorf("stop within %s", timeout)
	}
	err := w.write(ctx, "stop", run)
	if err == nil && w.container.Status != evidence.Running {
		return evidence.ErrChanged
	}
	if err == nil {
		w.container.Status, w.stopped, w.processes = evidence.Exited, time.Now(), nil
	}
	return err
}

func (w *world) Start(ctx context.Context, run evidence.Identity) error {
	err := w.write(ctx, "start", run)
	if err == nil {
		w.container.Status, w.started = evidence.Running, time.Now()
		w.container.StartedAt = w.started
	}
	return err
}

func (w *world) Restart(ctx context.Context, run evidence.Identity, timeout time.Duration) error {
	if timeout != 30*time.Second {
		w.Errorf("restart within %s", timeout)
	}
	err := w.write(ctx, "restart", run)
	if err == nil {
		w.started = time.Now()
	}
	return err
}

func (w *world) Inspect(ctx context.Context) (evidence.Container, error) {
	return w.container, w.call(ctx, "inspect")
}

func (w *world) Processes(ctx context.Context) ([]evidence.Process, error) {
	if !w.goneAt.IsZero() && !time.Now().Before(w.goneAt) {
		w.processes = w.processes[:1]
	}
	return slices.Clone(w.processes), w.call(ctx, "top")
}

func (w *world) View(ctx context.Context) evidence.GPUView {
	_ = w.call(ctx, "gpu")
	return evidence.GPUView{Known: true, SeenAt: time.Now(), GPUs: []evidence.GPU{{Name: "H200", UsedBytes: 3 << 20, TotalBytes: 9 << 20}}}
}

func (w *world) Unload(ctx context.Context, model string) error {
	if err := w.call(ctx, "unload", model); err != nil {
		return err
	}
	if w.unloads >= 0 {
		w.goneAt = time.Now().Add(w.unloads)
	}
	return nil
}

func (w *world) Blob(ctx context.Context, model string) (string, error) {
	return w.blob, w.call(ctx, "blob", model)
}

func (w *world) Version(ctx context.Context) (string, error) {
	if err := w.call(ctx, "version"); err != nil {
		return "", err
	}
	if time.Since(w.started) < w.boots {
		return "", errors.New("connection refused")
	}
	return "0.9.6", nil
}

func (w *world) cancel(model string) int {
	_ = w.call(w.Context(), "cancel", model)
	return 2
}

func (w *world) leaks(before, _ evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport {
	w.done = append(w.done, fmt.Sprintf("leaks of %s %d", owner.ContainerID, owner.PIDs))
	if before.SeenAt.After(w.stopped) {
		w.Error("the view before was taken after the stop")
	}
	if time.Since(w.stopped) < w.leakedFor {
		return evidence.LeakReport{Result: evidence.LeakFound, Reason: "GPU 0 still holds 3 MiB"}
	}
	return evidence.LeakReport{Result: evidence.LeakNone}
}

// expect compares what was done, with repeated calls in a row counted once.
func (w *world) expect(want ...string) {
	w.Helper()
	if got := slices.Compact(slices.Clone(w.done)); !slices.Equal(got, want) {
		w.Errorf("it did\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (w *world) expectIntents(want ...string) {
	w.Helper()
	if !slices.Equal(w.intents, want) {
		w.Errorf("at the writes the journal on disk said %q, want %q", w.intents, want)
	}
}

// expectOwed says whether a successor would find an intent.
func (w *world) expectOwed(want bool) {
	w.Helper()
	_, disk := w.open().Pending()
	if _, memory := w.ladder.Journal.Pending(); disk != want || memory != want {
		w.Errorf("an intent is open: %v on disk, %v in memory, want %v", disk, memory, want)
	}
}

func expectSteps(t *testing.T, report Report, want ...string) {
	t.Helper()
	var names []string
	for _, step := range report.Steps {
		names = append(names, step.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("steps %q, want %q", names, want)
	}
}

// stepOf is the first step with the name.
func stepOf(t *testing.T, report Report, name string) watch.Step {
	t.Helper()
	i := slices.IndexFunc(report.Steps, func(step watch.Step) bool { return step.Name == name })
	if i < 0 {
		t.Errorf("there is no step %q in %+v", name, report.Steps)
		return watch.Step{}
	}
	return report.Steps[i]
}
