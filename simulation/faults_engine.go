package simulation

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

const (
	// givesUp is how long the engine waits after SIGKILL (moby, daemon/kill.go).
	givesUp = 14 * time.Second
	// startFailed is the exit code of a container that could not be started.
	startFailed = 128

	mismatchText = "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch"
)

var errNoExit = fmt.Errorf("%w: tried to kill container, but did not receive an exit event", evidence.ErrWontDie)

// engine is what is wrong with the engine, other than being away.
type engine struct {
	slow      time.Duration
	deaf      bool // its events get lost
	noExits   bool
	failing   int // starts that will fail
	failsWith string
}

// FailStarts makes the next n starts of the container fail with the engine's text
// (F23): Start says so, the container is exited with code 128 and the text as its
// StartError, and no policy tries again.
func (w *World) FailStarts(n int, text string) {
	w.change(func() { w.engine.failing, w.engine.failsWith = n, text })
}

// StickStop makes the engine miss the container's exit (F22): a stop or restart
// takes its timeout and 14 s more, says that it "did not receive an exit event",
// and the server is still there and answers. Turned off, it can be stopped again.
func (w *World) StickStop(on bool) { w.change(func() { w.engine.noExits = on }) }

// LoseEvents makes subscribers of the engine's events get nothing, and no error
// (F27). Inspections tell the truth.
func (w *World) LoseEvents(on bool) { w.change(func() { w.engine.deaf = on }) }

// SlowEngine makes every call to the engine take that much longer (F26); 0 ends it.
// The container is not touched by it.
func (w *World) SlowEngine(d time.Duration) { w.change(func() { w.engine.slow = max(0, d) }) }

// MoveAddress gives the container another address at its next start (F28). The
// name leads to it, and the old address refuses connections.
func (w *World) MoveAddress() { w.change(func() { w.address.moves = true }) }

// SilentStart makes the server, after each start from now on, accept connections
// and answer nothing for d: it looks for GPUs, which is no fault (F9b, which
// docs/faults.md leaves out). 0 ends it.
func (w *World) SilentStart(d time.Duration) { w.change(func() { w.silence = max(0, d) }) }

// FillDisk fills the disk that the models are on (F25): pulls end with "no space
// left on device". The models that are there answer.
func (w *World) FillDisk(on bool) { w.change(func() { w.diskFull = on }) }

// address is the container's, as the last number of it.
type address struct {
	last  int
	moves bool // at the next start
}

const network = "172.18.0."

func (a address) String() string { return fmt.Sprint(network, a.last) }

// leads says whether what a client dials leads to the container: any name, its
// address, and addresses outside its network.
func (a address) leads(dialled string) bool {
	host, _, err := net.SplitHostPort(dialled)
	return err != nil || host == a.String() || !strings.HasPrefix(host, network)
}

// reject fails a start that is to fail. w.mu is held.
func (w *World) reject() error {
	text := ""
	switch {
	case w.engine.failing > 0:
		w.engine.failing--
		text = w.engine.failsWith
	case w.gpu.mismatch && w.config.GPUBytes > 0:
		text = mismatchText
	default:
		return nil
	}
	w.container.status, w.container.exitCode, w.container.startError = evidence.Exited, startFailed, text
	return fmt.Errorf("%w: %s", evidence.ErrStartFailed, text)
}

// dawdle is the time that an engine takes before it does anything.
func (w *World) dawdle(ctx context.Context) error {
	w.mu.Lock()
	slow := w.engine.slow
	w.mu.Unlock()
	if slow == 0 {
		return ctx.Err()
	}
	return pause.For(ctx, slow)
}
