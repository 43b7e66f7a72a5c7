package proxy

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// An answer may come before the body is read: of a blob that is there already, or
// to a request that is refused. Who writes all before it reads learns of the answer
// only if the connection is not closed meanwhile over what it has sent: so the rest
// is read and thrown away, for as long as nginx does it (lingering_close).
const (
	// readOnTime is how long the rest of a body is read after the answer.
	readOnTime = 30 * time.Second
	// ServerReads is the largest body that net/http's server reads by itself before
	// it sends an answer, in bytes.
	ServerReads = 256 << 10
	// readOnIdle is how long the client may send nothing of it.
	readOnIdle = 5 * time.Second
	// abandonTime is how long a read may last whose connection is aborted.
	abandonTime = 100 * time.Millisecond
)

// sharedRest is the rest of a body between the transport, which reads it in a
// goroutine that may outlive the request, and ReadOn: net/http's server does not bear
// a read after the handler's end.
type sharedRest struct {
	mu      sync.Mutex
	reading bool
	over    bool          // nobody but ReadOn reads it any more
	left    chan struct{} // made by ReadOn where it has to wait for a read

	ended bool        // with EOF or an error; it belongs to whoever reads
	whole atomic.Bool // with EOF
}

// begin is false when the transport must not read any more.
func (r *sharedRest) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = !r.over
	return r.reading
}

func (r *sharedRest) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = false
	if r.left != nil {
		close(r.left)
	}
}

// seize lets nobody begin to read any more. It gives what is closed when the last
// read is over, or nil where none is under way.
func (r *sharedRest) seize() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if !r.reading {
		return nil
	}
	r.left = make(chan struct{})
	return r.left
}

// readRest reads more of the rest, and waits for it for so long.
func (b *Body) readRest(p []byte, patience time.Duration) (int, error) {
	b.Begun.Store(true)
	b.Limit(patience)
	b.Guest.Expect(CrowdedTimeout)
	n, err := b.Rest.Read(p)
	b.Guest.Expect(0)
	switch {
	case err == io.EOF:
		b.rest.ended = true
		b.rest.whole.Store(true)
		b.Limit(0)
	case err != nil:
		b.rest.ended = true
		b.Broken.Store(true)
	}
	return n, err
}

// EndConnection is called before an answer's header is written, with that header. A
// body that has not been read to its end, and may never be, ends the connection with
// the answer: net/http's server would take the rest for the next request.
func (b *Body) EndConnection(header http.Header) {
	if b.Rest != nil && !b.rest.whole.Load() {
		header.Set("Connection", "close")
	}
}

// ReadOn is called when the answer is with the client, and before the handler
// returns: it takes the rest of the body from whoever reads it, and reads on for a
// while. After it nobody reads the body any more.
func (b *Body) ReadOn() {
	if b.Rest == nil {
		return
	}
	b.takeRest(readOnIdle)
	b.Release() // what was read before is not sent any more
	var piece [SmallPiece]byte
	until := time.Now().Add(readOnTime)
	for left := readOnTime; left > 0 && !b.rest.ended && !b.Guest.Told(); left = time.Until(until) {
		_, _ = b.readRest(piece[:], min(left, readOnIdle)) // ended says it
	}
	if !b.rest.ended {
		b.Limit(time.Millisecond) // or the server would read on
	}
}

// Abandon is called at the handler's end, also where it aborts the connection: before
// that the server reads more of a body that has not ended, and without a limit. After
// ReadOn there is nothing left to do.
func (b *Body) Abandon() {
	if b.Rest == nil {
		return
	}
	b.takeRest(abandonTime)
	if !b.rest.ended {
		b.Limit(time.Millisecond)
	}
}

// takeRest takes the rest from whoever reads it, and waits so long for a read that is
// under way. That may still be setting its own, longer limit, so the limit is set
// again, and never put off.
func (b *Body) takeRest(patience time.Duration) {
	left := b.rest.seize()
	if left == nil {
		return
	}
	until := time.Now().Add(patience)
	again := time.NewTicker(patience / 4)
	defer again.Stop()
	for {
		b.Limit(max(time.Until(until), time.Millisecond))
		select {
		case <-left:
			return
		case <-again.C:
		}
	}
}

// AnswerUnread answers a request whose body nobody has begun to read, and reads it
// after that, for so long at most.
func AnswerUnread(w http.ResponseWriter, request *http.Request, within time.Duration, answer func()) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // or the server would read before it sends the answer
	answer()
	_ = control.Flush()                                 // the client may be gone
	_ = control.SetReadDeadline(time.Now().Add(within)) // a writer without deadlines has none to keep
	_, _ = io.Copy(io.Discard, request.Body)            // the client knows already
}
