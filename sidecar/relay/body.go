package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/sidecar/ollama"
)

const (
	// bodyIdleTimeout is how long a client may send nothing of a body that it
	// has announced.
	bodyIdleTimeout = 60 * time.Second
	// prefixBytes is how much of a body that cannot be held is read to find
	// its model.
	prefixBytes = 64 << 10
	// firstBytes is the first allocation for a body of unknown length.
	firstBytes = 4 << 10
)

// body is a request's body: whole in memory, or its beginning and the rest.
type body struct {
	data     []byte
	whole    bool
	rest     io.Reader           // nil when whole
	begun    atomic.Bool         // something of the rest was read
	broken   atomic.Bool         // the rest ended early, which is the client's doing
	limit    func(time.Duration) // on waiting for more of it; 0 for none
	budget   *budget
	reserved int64
}

// budget bounds the memory of all bodies together, in bytes.
type budget struct {
	limit int64
	used  atomic.Int64
}

func (b *budget) reserve(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

// release gives the memory back. The body cannot be sent again after it.
func (b *body) release() {
	if b.budget != nil && b.reserved > 0 {
		b.budget.used.Add(-b.reserved)
	}
	b.reserved, b.whole, b.data = 0, false, nil
}

// reader is the body for one attempt. Only a whole one can be read twice.
func (b *body) reader() io.ReadCloser {
	if b.whole {
		return io.NopCloser(bytes.NewReader(b.data))
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.data), begin{b}))
}

// begin notes that something of the rest was read, after which it is lost to
// another attempt.
type begin struct{ *body }

func (r begin) Read(p []byte) (int, error) {
	r.begun.Store(true)
	r.limit(bodyIdleTimeout)
	n, err := r.rest.Read(p)
	switch {
	case err == io.EOF:
		r.limit(0)
	case err != nil:
		r.broken.Store(true)
	}
	return n, err
}

// readBody reads the body and looks into it. It is false when there is nothing
// to go on with, and the client has been told.
func (x *exchange) readBody() bool {
	x.body.budget, x.body.limit = &x.relay.buffered, x.limitReading
	if err := x.body.fill(x.request, x.relay.config.ReplayMaxBytes); err != nil {
		x.badBody(err)
		return false
	}
	x.limitReading(0) // or waiting for the answer would be limited
	x.bodyBytes = max(x.request.ContentLength, int64(len(x.body.data)))
	switch {
	case x.request.Header.Get("Content-Encoding") != "":
		x.peek = ollama.Peek{Opaque: true, Streaming: true}
	case x.body.whole:
		x.peek = ollama.PeekBody(x.route, x.body.data)
	default:
		x.peek = ollama.PeekPrefix(x.route, x.body.data)
		// The upstream may answer before it has read everything; without this
		// the server closes the body then, and the transport cuts the stream.
		_ = x.control.EnableFullDuplex()
	}
	return true
}

func (x *exchange) limitReading(d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = x.control.SetReadDeadline(deadline) // a writer without deadlines has none to keep
}

// fill reads until the end, or until the body is known to be too large.
func (b *body) fill(request *http.Request, most int64) error {
	length := request.ContentLength
	if length == 0 {
		b.whole = true
		return nil
	}
	if length > most {
		most = 0
	}
	for {
		if len(b.data) == cap(b.data) && !b.grow(most, length) {
			return b.fillPrefix(request.Body)
		}
		b.limit(bodyIdleTimeout)
		n, err := request.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case err == io.EOF && (length < 0 || int64(len(b.data)) == length), err == nil && int64(len(b.data)) == length:
			b.whole = true
			return nil
		case err != nil:
			return fmt.Errorf("cannot read the request's body after %d bytes: %w", len(b.data), err)
		}
	}
}

// grow doubles the memory within the limit and the budget.
func (b *body) grow(most, length int64) bool {
	have := int64(cap(b.data))
	want := max(2*have, firstBytes)
	if length > 0 {
		want = max(2*have, min(length, prefixBytes))
		want = min(want, length)
	}
	want = min(want, most)
	if want <= have || !b.budget.reserve(want-have) {
		return false
	}
	b.reserved += want - have
	grown := make([]byte, len(b.data), want)
	copy(grown, b.data)
	b.data = grown
	return true
}

// fillPrefix leaves the rest of the body to be streamed. At least prefixBytes
// are read to find the model, outside the budget.
func (b *body) fillPrefix(rest io.Reader) error {
	b.rest = rest
	if len(b.data) >= prefixBytes {
		return nil
	}
	prefix := make([]byte, prefixBytes)
	kept := copy(prefix, b.data)
	n, err := io.ReadFull(rest, prefix[kept:])
	b.data = prefix[:kept+n]
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		// An end that came too early is met again when the rest is sent.
		return nil
	}
	return fmt.Errorf("cannot read the beginning of the request's body: %w", err)
}

// badBody answers a request whose body did not come as announced. Nothing of
// it has reached Ollama.
func (x *exchange) badBody(err error) {
	status, late := http.StatusBadRequest, errors.Is(err, os.ErrDeadlineExceeded)
	if x.gone() && !late && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	if late {
		status = http.StatusRequestTimeout
	}
	// The read deadline stays, or the server would wait for the rest of the body.
	x.writer.Header().Set("Connection", "close")
	x.answerError(status, err.Error())
}
