package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// resetPause: a reset that did not help the first time will not help the next.
	// The time is kept in memory: who restarts Clawgate allows another.
	resetPause = 24 * time.Hour
	// closeGPUView is how long our own process on the GPU may take to end.
	closeGPUView = 15 * time.Second
	// gpuBack is how long the driver may take to show the GPU after its reset.
	gpuBack = 60 * time.Second
)

// GPUReset frees GPU memory that outlived every process that held it, which
// nothing else does short of a reboot. It is optional. It is tried at most once in
// a restart and once in a day, on a host with one GPU, while the container is
// stopped and nobody else has the GPU open; the driver refuses it otherwise.
type GPUReset struct {
	// View is our own hold on the GPU.
	View interface {
		// Suspend lets go of every GPU, and does not look again until resume.
		Suspend(ctx context.Context) (resume func(), err error)
	}
	// Helper resets the only GPU.
	Helper interface {
		// Ready says why it could not be run now.
		Ready(ctx context.Context) error
		// Run returns when it has ended; nil means that it said that it did. An
		// evidence.ErrStartFailed says that nothing was done.
		Run(ctx context.Context) error
		// Await returns when it does not run, or cannot be waited for any longer.
		Await(ctx context.Context) error
	}

	last time.Time // of an attempt; zero for never
}

// resetForbidden says why a GPU must not be reset for a leak that was found, and
// is empty when it may be. The view is the one that showed the leak. An empty list
// of processes is no proof that nobody uses the GPU, as one in another namespace
// may be hidden; but then the driver refuses.
func resetForbidden(leak evidence.LeakReport, view evidence.GPUView, last, now time.Time) string {
	if leak.Result != evidence.LeakFound || len(leak.Leaks) == 0 {
		return "there is no leak"
	}
	if !view.Known {
		return "the GPUs cannot be seen: " + view.Reason
	}
	if len(view.GPUs) != 1 {
		return fmt.Sprintf("a reset is for hosts with one GPU, and there are %d", len(view.GPUs))
	}
	if len(leak.Leaks) != 1 {
		return fmt.Sprintf("%d GPUs were seen to hold memory, and 1 is there", len(leak.Leaks))
	}
	gpu, held := view.GPUs[0], leak.Leaks[0]
	switch {
	case gpu.Index != held.Index || gpu.UUID != held.UUID:
		return "the GPU with the leak is not the one that is there"
	case len(held.Holders) > 0:
		return fmt.Sprintf("%d processes of the container are still there", len(held.Holders))
	case !gpu.ProcessesKnown:
		return "the driver does not tell who uses the GPU"
	case len(gpu.Processes) > 0:
		return fmt.Sprintf("%d other processes use the GPU", len(gpu.Processes))
	case gpu.Lost:
		return "the driver has given the GPU up"
	case !resettable(gpu.Advice):
		return "the driver's own advice is " + string(gpu.Advice)
	case !last.IsZero() && now.Sub(last) < resetPause:
		return fmt.Sprintf("it was tried %s ago", now.Sub(last).Round(time.Minute))
	}
	return ""
}

// resettable says that a reset does not go against what the driver advises.
func resettable(advice evidence.GPUAdvice) bool {
	switch advice {
	case "", evidence.AdviceNone, evidence.AdviceReset:
		return true
	default:
		return false
	}
}

// reset tries to free what leaked, if that is wanted and allowed. Each step is
// told and none stands in the way of the start that follows. It goes on when ctx
// ends, within its own limits: a container must not start on a GPU that is being
// reset.
func (l *Ladder) reset(ctx context.Context, report *Report, judged evidence.Identity, s settled, owner evidence.GPUOwner) {
	if l.Reset == nil || s.leak.Result != evidence.LeakFound || ctx.Err() != nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if !report.try("see whether the GPU may be reset", func() (string, error) {
		if why := resetForbidden(s.leak, s.view, l.Reset.last, time.Now()); why != "" {
			return "", errors.New(why)
		}
		if err := errors.Join(l.stillStopped(ctx, judged), l.Reset.Helper.Ready(ctx)); err != nil {
			return "", err
		}
		return "nobody holds the memory, and nobody uses the GPU", nil
	}) {
		return
	}
	if !l.resetAlone(ctx, report, judged) {
		return
	}
	report.try("look at the GPU again", func() (string, error) {
		leak, err := l.lookAgain(ctx, report.Snapshot, owner)
		if err != nil {
			return "", err
		}
		report.Leak = &leak
		return told(leak), nil
	})
}

// resetAlone has the helper reset the GPU while we do not look at it.
func (l *Ladder) resetAlone(ctx context.Context, report *Report, judged evidence.Identity) bool {
	var resume func()
	if !report.try("close our view of the GPU", func() (detail string, err error) {
		ctx, cancel := context.WithTimeout(ctx, closeGPUView)
		defer cancel()
		resume, err = l.Reset.View.Suspend(ctx)
		return "", err
	}) {
		return false
	}
	defer resume()
	return report.try("reset the GPU", func() (string, error) {
		if err := l.stillStopped(ctx, judged); err != nil {
			return "", err
		}
		began := time.Now()
		err := l.Reset.Helper.Run(ctx)
		if !errors.Is(err, evidence.ErrStartFailed) {
			l.Reset.last = began
		}
		return "", err
	})
}

// stillStopped is an error where somebody has started the container, or may have:
// a GPU in use is not reset.
func (l *Ladder) stillStopped(ctx context.Context, judged evidence.Identity) error {
	ctx, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	container, err := l.View.Inspect(ctx)
	switch {
	case err != nil:
		return err
	case container.Status != evidence.Exited || !container.Equal(judged):
		return fmt.Errorf("the container is %s: somebody else has started it", container.Status)
	}
	return nil
}

// awaitReset waits for a reset that an earlier Clawgate began and did not live to
// see the end of: a container must not start on a GPU that is being reset.
func (l *Ladder) awaitReset(ctx context.Context, report *Report) {
	if l.Reset == nil {
		return
	}
	report.try("see that no reset is under way", func() (string, error) {
		return "", l.Reset.Helper.Await(context.WithoutCancel(ctx))
	})
}

// lookAgain waits until the GPU can be seen, and says what is still held.
func (l *Ladder) lookAgain(ctx context.Context, before evidence.GPUView, owner evidence.GPUOwner) (leak evidence.LeakReport, err error) {
	err = until(ctx, gpuBack, doubling, func(ctx context.Context) (bool, error) {
		view := l.GPU.View(ctx)
		leak = l.Leaks(before, view, owner)
		if !view.Known {
			return false, errors.New(view.Reason)
		}
		return true, nil
	})
	return leak, err
}
