package gpu

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/clawdbot/clawgate/evidence"
)

// longestLine bounds one message. A view of 16 GPUs with 100 processes each is
// about 300 KB.
const longestLine = 4 << 20

// request asks the child for one snapshot, as a JSON line on its stdin.
type request struct {
	ID uint64 `json:"id"`
}

// messageKind says what a message of the child is.
type messageKind string

const (
	// kindReady: NVML is initialised, requests will be answered.
	kindReady messageKind = "ready"
	// kindView answers the request with the same ID.
	kindView messageKind = "view"
	// kindXid is pushed when the driver reports an error.
	kindXid messageKind = "xid"
	// kindUnavailable: NVML cannot be had, View says why. The child ends.
	kindUnavailable messageKind = "unavailable"
)

// message is one JSON line of the child on file descriptor 3. Standard output
// is left to the driver's library, which is free to print there.
type message struct {
	Kind messageKind       `json:"kind"`
	ID   uint64            `json:"id,omitempty"`
	View *evidence.GPUView `json:"view,omitempty"`
	Xid  *evidence.Xid     `json:"xid,omitempty"`
}

// validate refuses what no child of this version sends.
func (m message) validate() error {
	switch m.Kind {
	case kindReady:
		return nil
	case kindView, kindUnavailable:
		if m.View == nil {
			return fmt.Errorf("message %q carries no view", m.Kind)
		}
		return nil
	case kindXid:
		if m.Xid == nil {
			return fmt.Errorf("message %q carries no Xid", m.Kind)
		}
		return nil
	default:
		return fmt.Errorf("message of the unknown kind %q", m.Kind)
	}
}

// lineWriter writes messages of several goroutines, each whole.
type lineWriter struct {
	mu  sync.Mutex
	out *json.Encoder
}

func newLineWriter(out io.Writer) *lineWriter {
	return &lineWriter{out: json.NewEncoder(out)}
}

func (w *lineWriter) send(m message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.out.Encode(m); err != nil {
		return fmt.Errorf("cannot answer the parent: %w", err)
	}
	return nil
}

// readLines decodes each line into a T and hands it over, until the input ends
// or a line is not what it should be.
func readLines[T any](in io.Reader, accept func(T) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("cannot read a line: %w", err)
		}
		if err := accept(line); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot read a line: %w", err)
	}
	return nil
}
