package dockerctl

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

const (
	// MaxLogLines is the most that LogTail can be asked for, and that the guard
	// lets through.
	MaxLogLines = 9999

	// logBytes is how much of the end of a log is kept.
	logBytes = 1 << 20
)

// LogTail returns the last lines, 1 to MaxLogLines, that the container has
// written to its standard output and error, oldest first and at most 1 MiB in
// all: of more, the oldest are left out.
func (c *Container) LogTail(ctx context.Context, lines int) ([]string, error) {
	if lines < 1 || lines > MaxLogLines {
		return nil, fmt.Errorf("cannot read %d lines of log: ask for 1 to %d", lines, MaxLogLines)
	}
	end := ending{limit: logBytes}
	if err := c.readLog(ctx, &end, container.LogsOptions{Tail: strconv.Itoa(lines)}); err != nil {
		return nil, err
	}
	return end.lines(lines), nil
}

// readLog copies what the container has written to both its streams, as far as
// options ask for it and until out has enough.
func (c *Container) readLog(ctx context.Context, out io.Writer, options container.LogsOptions) error {
	options.ShowStdout, options.ShowStderr = true, true
	err := c.engine.call(ctx, readLimit, func(ctx context.Context, cli *client.Client) error {
		body, err := cli.ContainerLogs(ctx, c.name, options)
		if err != nil {
			return err
		}
		defer body.Close()
		return demultiplex(out, body)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("cannot read the log of container %q: %w", c.name, err)
	}
	return nil
}

// errEnough is what a writer answers that wants no more of a log.
var errEnough = errors.New("enough of the log has been read")

// demultiplex copies a log without the frames that the engine puts around it:
// 8 bytes of header, of which the first is the stream (0 to 3), the next three
// are zero and the last four are the length. A container with a terminal has no
// frames. The SDK's own stdcopy allocates what a header claims, up to 4 GiB.
func demultiplex(out io.Writer, log io.Reader) error {
	in := bufio.NewReader(log)
	if header, err := in.Peek(8); err != nil || !framed(header) {
		_, err := io.Copy(out, in)
		return err
	}
	for {
		var header [8]byte
		if _, err := io.ReadFull(in, header[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if !framed(header[:]) {
			return fmt.Errorf("a frame of the log begins with %x", header)
		}
		if _, err := io.CopyN(out, in, int64(binary.BigEndian.Uint32(header[4:]))); errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
	}
}

func framed(header []byte) bool {
	return header[0] <= 3 && header[1] == 0 && header[2] == 0 && header[3] == 0
}

// ending keeps the last limit bytes that are written to it.
type ending struct {
	limit int
	bytes []byte
	cut   bool
}

func (e *ending) Write(p []byte) (int, error) {
	e.bytes = append(e.bytes, p...)
	if len(e.bytes) > 2*e.limit { // seldom, so that a byte is moved once on average
		e.trim()
	}
	return len(p), nil
}

func (e *ending) trim() {
	if excess := len(e.bytes) - e.limit; excess > 0 {
		e.bytes = append(e.bytes[:0], e.bytes[excess:]...)
		e.cut = true
	}
}

// lines returns at most the last n lines, without a first one that was cut.
func (e *ending) lines(n int) []string {
	e.trim()
	text := strings.TrimRight(string(e.bytes), "\r\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if e.cut && len(lines) > 1 {
		lines = lines[1:]
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines[max(0, len(lines)-n):]
}
