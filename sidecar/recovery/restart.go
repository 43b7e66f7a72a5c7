package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

// serverUp is how long a started server may take until its API answers: it
// listens before it looks for its GPUs and serves after that, which it gives 30 s for
// each folder of libraries, and 30 s more (GPUDevices; read in 0.32.14).
const serverUp = 120 * time.Second

// Restart stops the container that was judged, waits until what it held on the
// GPUs has come back, and starts it. The intent is on disk before the first
// call, so that a crash of Clawgate between stop and start leaves no server
// down. Where nothing can be written the engine's own restart is one call that
// the engine completes by itself; there is no leak check then.
func (l *Ladder) Restart(ctx context.Context, judged evidence.Identity, reason string) Report {
	var report Report
	var processes []evidence.Process
	report.do("take a snapshot", func() (string, error) {
		report.Snapshot = l.GPU.View(ctx)
		processes = l.processes(ctx)
		return sketch(report.Snapshot), nil
	})
	report.do("check that it is what was judged", func() (string, error) { return "", l.unchanged(ctx, judged) })
	report.do("see that it would start again", func() (string, error) { return l.wouldStart(ctx) })
	report.do("cancel our requests", func() (string, error) {
		return fmt.Sprintf("%d cancelled", l.Cancel("")), nil
	})
	if report.Err != nil {
		return report
	}
	_, owed := l.Journal.Pending() // an earlier stop may take effect before this one
	intent := Intent{Container: judged, Reason: reason, At: time.Now(), StopTakes: l.StopTimeout + evidence.StopGrace}
	if err := l.Journal.Begin(intent); err != nil {
		l.Log.Warn("no intent can be kept; the engine restarts the container in one call", "err", err)
		report.do("restart the container", func() (string, error) {
			err := l.Engine.Restart(context.WithoutCancel(ctx), judged, l.StopTimeout)
			report.StopSent = mayBeSent(err)
			return "", err
		})
	} else {
		l.stopAndStart(ctx, &report, judged, owed, evidence.GPUOwner{ContainerID: judged.ID, PIDs: pids(processes)})
	}
	l.comeUp(ctx, &report)
	return report
}

// stopAndStart is a restart in two calls to the engine, with a look at the GPUs
// while the container is stopped.
func (l *Ladder) stopAndStart(ctx context.Context, report *Report, judged evidence.Identity, owed bool, owner evidence.GPUOwner) {
	report.do("stop the container", func() (string, error) {
		err := l.Engine.Stop(context.WithoutCancel(ctx), judged, l.StopTimeout)
		if report.StopSent = mayBeSent(err); !report.StopSent && !owed {
			l.finish() // there is nothing that a successor would have to start
		}
		return "", err
	})
	if report.Err != nil {
		return // the intent stays open until it is seen what came of the stop
	}
	var after settled
	report.do("settle", func() (string, error) {
		after = l.settle(ctx, report.Snapshot, owner)
		report.Leak = &after.leak
		return told(after.leak), nil
	})
	l.reset(ctx, report, judged, after, owner)
	report.do("start the container", func() (string, error) { return "", l.start(ctx, judged) })
}

// Start starts a container that ended by itself, or that an earlier Clawgate
// stopped and did not live to start.
func (l *Ladder) Start(ctx context.Context, judged evidence.Identity, reason string) Report {
	var report Report
	report.do("take a snapshot", func() (string, error) {
		report.Snapshot = l.GPU.View(ctx)
		return sketch(report.Snapshot), nil
	})
	_, ours := l.Journal.Pending() // an earlier stop of ours is to be made good
	if err := l.Journal.Begin(Intent{Container: judged, Reason: reason, At: time.Now()}); err != nil {
		l.Log.Warn("no intent can be kept", "err", err)
	}
	l.awaitReset(ctx, &report)
	report.do("start the container", func() (string, error) { return "", l.start(ctx, judged) })
	if report.Err != nil && !ours {
		l.finish() // it ended by itself, so that its start is not owed beyond the budget
	}
	l.comeUp(ctx, &report)
	return report
}

// comeUp waits for the API of a container that was started.
func (l *Ladder) comeUp(ctx context.Context, report *Report) {
	report.do("see the API answer", func() (string, error) {
		var version string
		err := until(ctx, serverUp, closely, func(ctx context.Context) (answers bool, err error) {
			ctx, cancel := context.WithTimeout(ctx, lookUp)
			defer cancel()
			version, err = l.Server.Version(ctx)
			return err == nil, err
		})
		return "version " + version, err
	})
}

// start starts the container and closes the intent: it is up, or it was started
// and ended again, or somebody else has made another run of it, which are other
// stories. After any other failure the start is still owed.
func (l *Ladder) start(ctx context.Context, judged evidence.Identity) error {
	err := l.Engine.Start(context.WithoutCancel(ctx), judged)
	if err == nil || errors.Is(err, evidence.ErrChanged) {
		l.finish()
	}
	return err
}

// finish closes the intent. Where that cannot be written down the remedy has had
// its effect all the same, and a successor drops the intent when it sees the
// container run.
func (l *Ladder) finish() {
	if err := l.Journal.Finish(); err != nil {
		l.Log.Warn("cannot drop the intent", "err", err)
	}
}

// mayBeSent says that a write to the engine that ended so may have an effect.
func mayBeSent(err error) bool {
	return !errors.Is(err, evidence.ErrChanged) && !errors.Is(err, evidence.ErrPaused) && !errors.Is(err, evidence.ErrNotSent)
}

func (l *Ladder) unchanged(ctx context.Context, judged evidence.Identity) error {
	ctx, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	container, err := l.View.Inspect(ctx)
	if err != nil {
		return err
	}
	if !container.Equal(judged) || container.Status != evidence.Running {
		return evidence.ErrChanged // what somebody stopped meanwhile is not ours to start
	}
	return nil
}

// settled is the last look at the GPUs while the container is stopped.
type settled struct {
	view evidence.GPUView
	leak evidence.LeakReport
}

// settle waits out the settle delay, and on until the GPU memory has come back
// or the time for that is over. A leak does not keep the server down: it is
// reported, and the start is tried all the same.
func (l *Ladder) settle(ctx context.Context, before evidence.GPUView, owner evidence.GPUOwner) settled {
	began := time.Now()
	_ = pause.For(ctx, l.SettleDelay) // the start after it is tried even when we are told to end
	for {
		view := l.GPU.View(ctx)
		leak := l.Leaks(before, view, owner)
		if leak.Result != evidence.LeakFound || time.Since(began) >= l.SettleDelay+l.LeakWait || pause.For(ctx, time.Second) != nil {
			return settled{view, leak}
		}
	}
}

func told(leak evidence.LeakReport) string {
	return strings.TrimSpace(string(leak.Result) + " " + leak.Reason)
}

func pids(processes []evidence.Process) []int {
	numbers := make([]int, 0, len(processes))
	for _, p := range processes {
		numbers = append(numbers, p.PID)
	}
	return numbers
}

// wouldStart looks for a driver that was replaced under the running server: that
// goes on, and would not start again once it is stopped
// (NVIDIA/nvidia-container-toolkit#394). A view that cannot be had forbids nothing.
func (l *Ladder) wouldStart(ctx context.Context) (string, error) {
	limited, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	container, err := l.View.Inspect(limited)
	switch {
	case err != nil:
		return "", err // nobody stops what cannot be looked at
	case !container.GPURequested:
		return "it asks for no GPU", nil
	case l.Fresh == nil:
		return "there is no driver to ask", nil
	}
	if view := l.Fresh(ctx); view.Mismatch {
		return view.Reason, evidence.ErrMismatch
	}
	return "the driver and its library match, or cannot be seen", nil
}

// processes notes what runs in the container, to know it again on the GPU.
// Without the list the leak check has less to go by, and nothing else suffers.
func (l *Ladder) processes(ctx context.Context) []evidence.Process {
	ctx, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	processes, err := l.View.Processes(ctx)
	if err != nil {
		l.Log.Debug("cannot list the container's processes", "err", err)
	}
	return processes
}

func sketch(view evidence.GPUView) string {
	if !view.Known {
		return "GPU view unknown: " + view.Reason
	}
	text := fmt.Sprintf("%d GPUs", len(view.GPUs))
	for _, g := range view.GPUs {
		text += fmt.Sprintf("; %s: %d MiB of %d MiB used by %d processes", g.Name, g.UsedBytes>>20, g.TotalBytes>>20, len(g.Processes))
	}
	return text
}
