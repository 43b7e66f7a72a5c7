package gpu

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/clawdbot/clawgate/evidence"
)

// answersFD is the child's file descriptor for its messages: the first of
// exec.Cmd's ExtraFiles.
const answersFD = 3

// ErrNotAChild says that [Serve] was not started by a [Client].
var ErrNotAChild = errors.New(
	"clawgate nvml is started by the sidecar, not by a person: file descriptor 3 is not its pipe")

// unavailable is why NVML cannot be used, in words for a person.
type unavailable struct {
	reason   string
	mismatch bool
}

func (u *unavailable) Error() string { return u.reason }

// driver is what the child needs of NVML. Every call may block for ever.
type driver interface {
	snapshot() (evidence.GPUView, error)
	// watchXids reports until the process ends, or returns where the driver
	// has no such events.
	watchXids(report func(evidence.Xid))
}

// Serve is the child process: it initialises NVML, answers the requests on
// standard input by messages on file descriptor 3 and pushes Xid errors there.
// libraryPath names libnvidia-ml.so.1; empty leaves it to the loader.
//
// It returns when standard input ends, also while a driver call hangs, and nil
// then. The process must end with it: calls into the driver cannot be joined.
func Serve(libraryPath string) error {
	answers := os.NewFile(answersFD, "answers")
	if answers == nil {
		return ErrNotAChild
	}
	// The Go runtime uses low descriptors itself, so an open one proves little.
	if info, err := answers.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return ErrNotAChild
	}
	signal.Ignore(os.Interrupt) // Ctrl-C is meant for the parent, which ends this
	signal.Reset(syscall.SIGTERM)
	return serve(os.Stdin, answers, func() (driver, error) { return openDriver(libraryPath) })
}

// serve keeps the driver's calls off the goroutine that reads the requests, so
// that the end of the input is always seen.
func serve(in io.Reader, out io.Writer, open func() (driver, error)) error {
	asked := make(chan request, 1)
	ended := make(chan error, 2)
	go func() { ended <- answer(open, asked, newLineWriter(out)) }()
	go func() {
		ended <- readLines(in, func(r request) error {
			select {
			case asked <- r:
				return nil
			default:
				return fmt.Errorf("request %d came before the last one was answered", r.ID)
			}
		})
	}()
	return <-ended
}

func answer(open func() (driver, error), asked <-chan request, out *lineWriter) error {
	nvml, err := open()
	if err != nil {
		return out.send(giveUp(err))
	}
	if err := out.send(message{Kind: kindReady}); err != nil {
		return err
	}
	// A message that cannot be sent means that the parent is gone, which the end
	// of the input tells as well.
	go nvml.watchXids(func(xid evidence.Xid) { _ = out.send(message{Kind: kindXid, Xid: &xid}) })
	for r := range asked {
		view, err := nvml.snapshot()
		if err != nil {
			// A fresh process is the only fresh look, so this one ends.
			return out.send(giveUp(err))
		}
		if err := out.send(message{Kind: kindView, ID: r.ID, View: &view}); err != nil {
			return err
		}
	}
	return nil
}

func giveUp(err error) message {
	view := unknown(err.Error())
	if cause, ok := errors.AsType[*unavailable](err); ok {
		view.Mismatch = cause.mismatch
	}
	return message{Kind: kindUnavailable, View: &view}
}
