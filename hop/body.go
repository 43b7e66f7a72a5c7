package hop

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// BodyIdleTimeout is how long a client may send nothing of a body that it
	// has announced.
	BodyIdleTimeout = 60 * time.Second
	// leastRate is how many bytes a second a client has to send of a body that is
	// held in memory, on average and after BodyIdleTimeout. One that trickled in
	// would hold its part of the budget for hours.
	leastRate = 16 << 10
	// prefixBytes is how much of a body that cannot be held is read to find
	// its model.
	prefixBytes = 64 << 10
	// firstBytes is the first allocation for a body of unknown length.
	firstBytes = 4 << 10
)

// Body is a request's body: whole in memory, or its beginning and the rest.
type Body struct {
	Data     []byte
	Whole    bool
	Rest     io.Reader           // nil when whole
	Begun    atomic.Bool         // something of the rest was read
	Broken   atomic.Bool         // the rest ended early, which is the client's doing
	Limit    func(time.Duration) // on waiting for more of it; 0 for none
	Budget   *Budget
	reserved int64
}

// Budget bounds the memory of all bodies together, in bytes.
type Budget struct {
	Limit int64
	Used  atomic.Int64
}

func (b *Budget) reserve(n int64) bool {
	if b.Used.Add(n) > b.Limit {
		b.Used.Add(-n)
		return false
	}
	return true
}

// Release gives the memory back. The body cannot be sent again after it.
func (b *Body) Release() {
	if b.Budget != nil && b.reserved > 0 {
		b.Budget.Used.Add(-b.reserved)
	}
	b.reserved, b.Whole, b.Data = 0, false, nil
}

// Reader is the body for one attempt. Only a whole one can be read twice. Once
// it is read to its end the reader holds nothing of the body.
func (b *Body) Reader() io.ReadCloser {
	if b.Whole {
		return io.NopCloser(&held{b.Data})
	}
	return io.NopCloser(io.MultiReader(&held{b.Data}, begin{b}))
}

// held reads what is in memory and lets go of it at the end. An answer refers to
// its request for as long as it lasts, and that to this reader, which is hours
// after Release.
type held struct{ data []byte }

func (h *held) Read(p []byte) (int, error) {
	if len(h.data) == 0 {
		h.data = nil // an empty rest would keep all of it
		return 0, io.EOF
	}
	n := copy(p, h.data)
	h.data = h.data[n:]
	return n, nil
}

// begin notes that something of the rest was read, after which it is lost to
// another attempt.
type begin struct{ *Body }

func (r begin) Read(p []byte) (int, error) {
	r.Begun.Store(true)
	r.Limit(BodyIdleTimeout)
	n, err := r.Rest.Read(p)
	switch {
	case err == io.EOF:
		r.Limit(0)
	case err != nil:
		r.Broken.Store(true)
	}
	return n, err
}

// Fill reads until the end, or until the body is known to be too large.
func (b *Body) Fill(request *http.Request, most int64) error {
	length := request.ContentLength
	if length == 0 {
		b.Whole = true
		return nil
	}
	if length > most {
		most = 0
	}
	began := time.Now()
	for {
		if len(b.Data) == cap(b.Data) && !b.grow(most, length) {
			return b.fillPrefix(request.Body)
		}
		b.Limit(b.patience(time.Since(began)))
		n, err := request.Body.Read(b.Data[len(b.Data):cap(b.Data)])
		b.Data = b.Data[:len(b.Data)+n]
		switch {
		case err == io.EOF && (length < 0 || int64(len(b.Data)) == length), err == nil && int64(len(b.Data)) == length:
			b.Whole = true
			return nil
		case err != nil:
			return fmt.Errorf("cannot read the request's body after %d bytes: %w", len(b.Data), err)
		}
	}
}

// patience is how long to wait for more of a body that has been read for a
// while, and never 0.
func (b *Body) patience(read time.Duration) time.Duration {
	allowed := BodyIdleTimeout + time.Duration(len(b.Data))*time.Second/leastRate
	return max(1, min(BodyIdleTimeout, allowed-read))
}

// grow doubles the memory within the limit and the budget. For a body of known
// length it allocates all that is left once a piece of it has come: by doubling
// alone the old half and the new whole would be there at once. The piece is an
// eighth, so that a client has to send what it takes the memory for.
func (b *Body) grow(most, length int64) bool {
	have := int64(cap(b.Data))
	want := max(2*have, firstBytes)
	if length > 0 {
		want = max(2*have, min(length, prefixBytes))
		if have >= (length+7)/8 && have >= prefixBytes {
			want = length
		}
		want = min(want, length)
	}
	want = min(want, most)
	if want <= have || !b.Budget.reserve(want-have) {
		return false
	}
	b.reserved += want - have
	grown := make([]byte, len(b.Data), want)
	copy(grown, b.Data)
	b.Data = grown
	return true
}

// fillPrefix leaves the rest of the body to be streamed. At least prefixBytes
// are read to find the model, outside the budget.
func (b *Body) fillPrefix(rest io.Reader) error {
	b.Rest = rest
	if len(b.Data) >= prefixBytes {
		return nil
	}
	b.Limit(BodyIdleTimeout)
	prefix := make([]byte, prefixBytes)
	kept := copy(prefix, b.Data)
	n, err := io.ReadFull(rest, prefix[kept:])
	b.Data = prefix[:kept+n]
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		// An end that came too early is met again when the rest is sent.
		return nil
	}
	return fmt.Errorf("cannot read the beginning of the request's body: %w", err)
}
