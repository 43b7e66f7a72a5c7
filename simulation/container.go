package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

var (
	// ErrNotRunning says that there is no process to look at.
	ErrNotRunning = errors.New("the container is not running")
	// ErrEngineAway says that the engine does not answer.
	ErrEngineAway = errors.New("the container engine does not answer")
	// ErrAbsent says that there is no container of the name.
	ErrAbsent = errors.New("there is no such container")
)

// container is what the engine knows of the container. Guarded by World.mu.
type container struct {
	id         string
	status     evidence.Status
	startedAt  time.Time // by the wall's clock, as finishedAt
	ran        time.Time // since when, for durations
	finishedAt time.Time
	exitCode   int
	oomKilled  bool
	startError string
	hint       evidence.GPUHint
	restarts   int
	// byHand says that somebody stopped it through the engine, so that the
	// restart policy leaves it down.
	byHand  bool
	backoff time.Duration // of the restart policy, before the last restart
}

func (w *World) newContainer() container {
	id := ""
	for len(id) < 64 {
		id += fmt.Sprintf("%016x", w.random.Uint64())
	}
	return container{id: id, status: evidence.Created}
}

func (c *container) identity() evidence.Identity {
	return evidence.Identity{ID: c.id, StartedAt: c.startedAt}
}

// Inspect returns what the engine says of the container; its status is
// evidence.Absent when an operator has removed it.
func (w *World) Inspect(ctx context.Context) (evidence.Container, error) {
	if err := w.reach(ctx); err != nil {
		return evidence.Container{}, w.failed("inspect", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.container
	if c.status == evidence.Absent {
		return evidence.Container{SeenAt: time.Now(), Name: w.config.Container, Status: evidence.Absent}, nil
	}
	return evidence.Container{
		Identity: c.identity(), SeenAt: time.Now(), Name: w.config.Container, Image: "ollama/ollama:" + w.config.Version,
		Status: c.status, FinishedAt: c.finishedAt, ExitCode: c.exitCode, OOMKilled: c.oomKilled, StartError: c.startError,
		RestartPolicy: "unless-stopped", RestartCount: c.restarts,
		Env: map[string]string{
			"OLLAMA_HOST":         "0.0.0.0:11434",
			"OLLAMA_NUM_PARALLEL": fmt.Sprint(w.config.Parallel),
			"OLLAMA_KEEP_ALIVE":   w.config.KeepAlive.String(),
		},
		GPURequested: w.config.GPUBytes > 0, Address: w.address.String(),
	}, nil
}

// Activity reads the container's counters.
func (w *World) Activity(ctx context.Context) (evidence.Activity, error) {
	if err := w.reachRunning(ctx); err != nil {
		return evidence.Activity{}, w.failed("read the activity of", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	return w.activity(), nil
}

// Processes lists the container's processes, as the host numbers them.
func (w *World) Processes(ctx context.Context) ([]evidence.Process, error) {
	if err := w.reachRunning(ctx); err != nil {
		return nil, w.failed("list the processes of", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server == nil {
		return nil, w.failed("list the processes of", ErrNotRunning)
	}
	processes := []evidence.Process{{PID: w.server.pid, Command: serverCommand}}
	for _, r := range w.server.everyRunner() {
		processes = append(processes, evidence.Process{PID: r.pid, Command: r.command()})
	}
	return processes, nil
}

// LogTail returns the last lines of the log, of all runs of the container.
func (w *World) LogTail(ctx context.Context, lines int) ([]string, error) {
	if err := w.reach(ctx); err != nil {
		return nil, w.failed("read the log of", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log[max(0, len(w.log)-max(lines, 0)):]), nil
}

// keptLines bounds the log.
const keptLines = 1000

// logLine writes one line of Ollama's log. w.mu is held.
func (w *World) logLine(line string) {
	if len(w.log) >= 2*keptLines {
		w.log = slices.Clone(w.log[keptLines:])
	}
	w.log = append(w.log, strings.TrimSpace(line))
	w.meter.write += logBytes
}

// serverCommand is how the process list shows the server.
const serverCommand = "/bin/ollama serve"

// logInfo writes one line in the form of Ollama's own log. w.mu is held.
func (w *World) logInfo(source, text string) {
	w.logLine("time=" + w.now().UTC().Format("2006-01-02T15:04:05.000Z") + " level=INFO source=" + source + " " + text)
}

// reach says whether the engine can be asked.
func (w *World) reach(ctx context.Context) error {
	if err := w.dawdle(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.engineAway {
		return ErrEngineAway
	}
	return nil
}

func (w *World) reachRunning(ctx context.Context) error {
	if err := w.reach(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.container.status {
	case evidence.Running, evidence.Paused:
		return nil
	case evidence.Absent:
		return ErrAbsent
	default:
		return ErrNotRunning
	}
}

func (w *World) failed(doing string, err error) error {
	return fmt.Errorf("cannot %s container %q: %w", doing, w.config.Container, err)
}
