package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Config is how a Client looks at the GPUs. The zero value works.
type Config struct {
	// LibraryPath names libnvidia-ml.so.1; empty leaves it to the loader.
	LibraryPath string
	// Command makes the command of the child process; the Client adds its pipes.
	// Nil means the `nvml` subcommand of this executable, for LibraryPath.
	Command func() (*exec.Cmd, error)
	// Deadline is for one view; 0 means 5 s. A child that lets it pass is taken
	// to be stuck in the driver and is ended.
	Deadline time.Duration
	// StartDeadline is for NVML's initialisation, which takes seconds for each
	// GPU where the driver does not persist; 0 means 30 s.
	StartDeadline time.Duration
	// OnXid is called, if set, for each error that the driver reports, from one
	// goroutine. It must return quickly: views wait meanwhile.
	OnXid func(evidence.Xid)
	// Log gets one line when the view is had and one when it is lost; nil means
	// slog.Default.
	Log *slog.Logger
}

// Client is the parent's side: it owns the child process and asks it. Make it
// with NewClient; Run must be running for a view to be known.
type Client struct {
	config Config
	delays delays
	wait   func(*exec.Cmd) error

	asked      chan question
	suspending chan suspension
	ended      chan struct{} // closed when Run has returned

	// The rest belongs to the goroutine of Run.
	lastID     uint64
	pending    *question   // accepted and not yet answered
	suspension *suspension // accepted and not yet kept
	known      bool        // the last view was
	lastReason string      // logged last
}

// delays are the pauses and patience of Client; tests shorten them.
type delays struct {
	backoffFirst time.Duration // after a child's death, doubled each time
	backoffMost  time.Duration
	stable       time.Duration // a child that lived as long ends the doubling
	closing      time.Duration // for a child to end after its stdin was closed
	terminating  time.Duration // for a child to end after a signal
}

// question is one call of View. Its answer channel has room for the answer, so
// that nobody waits for a caller who left.
type question struct {
	fresh  bool
	due    bool // the present child is the one to answer it
	askID  uint64
	askAt  time.Time
	answer chan evidence.GPUView
}

// errEnded says that Run has returned.
var errEnded = errors.New("the GPU view has ended")

// NewClient starts nothing.
func NewClient(config Config) *Client {
	config.Deadline = cmp.Or(config.Deadline, 5*time.Second)
	config.StartDeadline = cmp.Or(config.StartDeadline, 30*time.Second)
	if config.Log == nil {
		config.Log = slog.Default()
	}
	if config.Command == nil {
		config.Command = func() (*exec.Cmd, error) { return ownCommand(config.LibraryPath) }
	}
	return &Client{
		config: config,
		delays: delays{
			backoffFirst: time.Second,
			backoffMost:  time.Minute,
			stable:       time.Minute,
			closing:      2 * time.Second,
			terminating:  time.Second,
		},
		wait:       (*exec.Cmd).Wait,
		asked:      make(chan question),
		suspending: make(chan suspension),
		ended:      make(chan struct{}),
	}
}

// ownCommand is this executable's nvml subcommand. It needs none of our
// settings but the library's path, and gets none of our secrets.
func ownCommand(libraryPath string) (*exec.Cmd, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program's own file: %w", err)
	}
	cmd := exec.Command(executable, "nvml", "-library", libraryPath) //nolint:noctx // a context would kill it; Client ends it in its own way
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "CLAWGATE_")
	})
	return cmd, nil
}

// View looks at all GPUs, and takes Config.Deadline at most. The view is either
// known or says why not. SeenAt is when the question was put to the driver.
func (c *Client) View(ctx context.Context) evidence.GPUView {
	return c.ask(ctx, false, c.config.Deadline)
}

// FreshView looks through a new NVML initialisation, as a container that is
// started now would: only that shows a driver and a library that no longer
// belong together (GPUView.Mismatch). It takes StartDeadline and Deadline at
// most. Xid errors in the moment between are missed.
func (c *Client) FreshView(ctx context.Context) evidence.GPUView {
	return c.ask(ctx, true, c.config.StartDeadline+c.config.Deadline)
}

func (c *Client) ask(ctx context.Context, fresh bool, limit time.Duration) evidence.GPUView {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer from NVML within %s", limit))
	defer cancel()
	q := question{fresh: fresh, answer: make(chan evidence.GPUView, 1)}
	select {
	case c.asked <- q:
	case <-c.ended:
		return unknown(errEnded.Error())
	case <-ctx.Done():
		return unknown(context.Cause(ctx).Error())
	}
	select {
	case view := <-q.answer:
		return view
	case <-ctx.Done():
		return unknown(context.Cause(ctx).Error())
	}
}
