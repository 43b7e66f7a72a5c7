package gpu

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// outputDelay is how long a dead child's standard error is still read.
const outputDelay = time.Second

// child is one run of the child process.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	// messages is closed when the child closed its end or wrote nonsense, which
	// nonsense then says.
	messages chan message
	nonsense error
	// gone is closed when the process has ended and has been reaped; exit is its
	// error then. That may never be: a process stuck in the driver survives
	// SIGKILL.
	gone chan struct{}
	exit error

	answers *os.File
	stderr  *head
	dropped chan struct{} // closed by drop: nobody takes messages any more
	reading sync.WaitGroup
}

// startChild starts the process. wait reaps it (exec.Cmd.Wait, but for tests).
func startChild(cmd *exec.Cmd, wait func(*exec.Cmd) error) (*child, error) {
	c := &child{
		cmd:      cmd,
		messages: make(chan message),
		gone:     make(chan struct{}),
		stderr:   &head{},
		dropped:  make(chan struct{}),
	}
	answers, childEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	cmd.ExtraFiles = []*os.File{childEnd}
	cmd.Stderr = c.stderr
	cmd.WaitDelay = outputDelay
	c.answers = answers
	if c.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	closeErr := childEnd.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start %q: %w", cmd.Path, err), closeErr, answers.Close())
	}
	c.reading.Go(c.read)
	go func() {
		c.exit = wait(cmd)
		close(c.gone)
	}()
	return c, nil
}

func (c *child) read() {
	defer close(c.messages)
	c.nonsense = readLines(c.answers, func(m message) error {
		if err := m.validate(); err != nil {
			return err
		}
		select {
		case c.messages <- m:
			return nil
		case <-c.dropped:
			return io.ErrClosedPipe
		}
	})
}

// drop stops reading. The process itself is left to end, or not.
func (c *child) drop() {
	close(c.dropped)
	_ = c.answers.Close() // ends a read that waits
	c.reading.Wait()
}

// death says how the child ended. Only to be called when it is gone.
func (c *child) death() string {
	how := "exit status 0"
	if c.exit != nil {
		how = c.exit.Error()
	}
	if said := c.stderr.firstLine(); said != "" {
		how += ": " + said
	}
	return "the NVML process ended (" + how + ")"
}

// headBytes is how much of the child's standard error is kept. Its beginning
// tells most: the loader's "undefined symbol", the first line of a crash.
const headBytes = 2 << 10

// head keeps the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	kept []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = append(h.kept, p[:min(len(p), headBytes-len(h.kept))]...)
	return len(p), nil
}

func (h *head) firstLine() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(h.kept)), "\n")
	return line
}
