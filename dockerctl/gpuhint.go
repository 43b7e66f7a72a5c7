package dockerctl

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// beginningBytes is how much of a run's log is read. Ollama tells of the GPUs
	// within its first hundred lines, of some 150 bytes each.
	beginningBytes = 256 << 10

	// startSkew is how far before StartedAt the log is read: the engine sets that
	// after it has started the process, which may have written by then.
	startSkew = 2 * time.Second
)

// GPUHint reads the beginning of what the container has logged in its present run
// for what Ollama says of the GPUs. It is unknown, without an error, while Ollama
// still looks for them (a minute at most), and for a container that does not run.
// The answer does not change during a run: ask until it is known, then no more.
func (c *Container) GPUHint(ctx context.Context) (evidence.GPUHint, error) {
	seen, err := c.Inspect(ctx)
	if err != nil {
		return evidence.GPUHintUnknown, err
	}
	if seen.Status != evidence.Running {
		return evidence.GPUHintUnknown, nil
	}
	since := seen.StartedAt.Add(-startSkew)
	first := beginning{limit: beginningBytes}
	err = c.readLog(ctx, &first, container.LogsOptions{Since: fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())})
	if err != nil {
		return evidence.GPUHintUnknown, err
	}
	return hinted(string(first.bytes)), nil
}

// beginning keeps the first limit bytes that are written to it, and then wants no
// more.
type beginning struct {
	limit int
	bytes []byte
}

func (b *beginning) Write(p []byte) (int, error) {
	n := min(len(p), b.limit-len(b.bytes))
	b.bytes = append(b.bytes, p[:n]...)
	if n < len(p) {
		return n, errEnough
	}
	return n, nil
}
