package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/clawdbot/clawgate/evidence"
)

var (
	// ErrNotRunning says that the container has no processes and no activity,
	// because it does not run.
	ErrNotRunning = errors.New("the container is not running")

	// ErrEngineAway says that the engine does not answer: no socket, no
	// permission, connection refused or cut, a deadline of ours passed, or a
	// 502, 503 or 504 from the guard in front of it. It says nothing about the
	// container. A write that ends with it may have taken effect.
	ErrEngineAway = errors.New("the Docker engine does not answer")
)

// classify adds ErrEngineAway to what shows that the engine is away, and
// evidence.ErrWontDie to what shows that a container's process outlives SIGKILL.
func classify(err error) error {
	switch {
	case errors.Is(err, ErrEngineAway):
		return err
	case away(err):
		return fmt.Errorf("%w: %w", ErrEngineAway, err)
	case strings.Contains(err.Error(), outlivesKill):
		return fmt.Errorf("%w: %w", evidence.ErrWontDie, err)
	}
	return err
}

// outlivesKill is what the engine says, with a 500, when a stop or restart had to
// kill and the process was still there 14 s later (moby, daemon/kill.go). It has
// no code of its own.
const outlivesKill = "did not receive an exit event"

func away(err error) bool {
	var network net.Error
	return client.IsErrConnectionFailed(err) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || // cut in an answer's body
		errors.As(err, &network)
}

// noSuchContainer tells the engine's 404 for a missing container from that of a
// web server that is no engine, or of a path that it does not know: only the
// first may be taken for an absent container.
func noSuchContainer(err error) bool {
	return cerrdefs.IsNotFound(err) && strings.Contains(strings.ToLower(err.Error()), "no such container")
}

// outdated says that the negotiated API version does not suit the engine, which
// happens when the engine is upgraded while we run. The engine has no code for
// it but 400 and this text.
func outdated(err error) bool {
	return cerrdefs.IsInvalidArgument(err) && strings.Contains(err.Error(), "client version")
}
