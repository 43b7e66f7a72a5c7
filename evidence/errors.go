package evidence

import (
	"errors"
	"time"
)

// StopGrace is how much longer than its timeout a stop may take: after SIGKILL the
// engine waits 10 s, then 2 s and 2 s more before it gives up with "did not receive
// an exit event" (moby, daemon/stop.go, kill.go). Until then a stop whose caller
// has gone may still end the container.
const StopGrace = 30 * time.Second

var (
	// ErrPaused says that a person has paused the container. Nothing was done: a
	// restart would silently unpause it. Every adapter's writes answer so.
	ErrPaused = errors.New("the container is paused")

	// ErrNotSent says that the engine was not given a write, so that it has no effect
	// and will have none. Every adapter's writes answer so where they know it.
	ErrNotSent = errors.New("the engine was not asked")

	// ErrWontDie says that a container was told to stop and to be killed, and
	// that its process is still there, in a driver call as a rule. Only a reboot
	// of the host is certain to end it. Every adapter's writes answer so.
	ErrWontDie = errors.New("the container's process outlives SIGKILL")

	// ErrStartFailed says that the engine tried to start a container and could
	// not: a GPU that cannot be given to it, a port that is taken, no memory. No
	// restart policy tries again. Every adapter's writes answer so.
	ErrStartFailed = errors.New("the container could not be started")

	// ErrMismatch says that the NVIDIA driver and its library do not match, so that
	// a container that is stopped would not start again. Nothing was done to it.
	ErrMismatch = errors.New("the NVIDIA driver and its library do not match")
)
