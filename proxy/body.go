package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/crowd"
)

const (
	// BodyIdleTimeout is how long a client may send nothing of a body that it
	// has announced.
	BodyIdleTimeout = 60 * time.Second
	// LeastRate is how many bytes a second a client has to send of a body that is
	// held in memory, on average and after BodyIdleTimeout, where nothing else is
	// said. One that trickled in would hold its part of the memory for hours.
	LeastRate = 16 << 10
	// CrowdedTimeout and crowdedRate are the same for as long as others find no room.
	CrowdedTimeout = 5 * time.Second
	crowdedRate    = 256 << 10
	// prefixBytes is how much of a body that cannot be held is read to find
	// its model.
	prefixBytes = crowd.SmallBody
	// firstBytes is what every request has for its body without asking for it:
	// as much as the server has read already, at most.
	firstBytes = 4 << 10
)

// Body is a request's body: whole in memory, or its beginning and the rest.
type Body struct {
	Data     []byte
	Whole    bool
	Rest     io.Reader   // nil when whole
	Begun    atomic.Bool // something of the rest was read
	Broken   atomic.Bool // the rest ended early, which is the client's doing
	rest     sharedRest
	Limit    func(time.Duration) // on waiting for more of it; 0 for none
	Guest    *crowd.Guest        // whose the memory is; nil without a limit
	Rate     int64               // bytes a second that it has to come with; 0 for any
	TooLong  bool                // longer than may be held, whatever room there is
	reserved int64
}

// Release gives the memory back. The body cannot be sent again after it.
func (b *Body) Release() {
	b.Guest.Give(b.reserved)
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
	if !r.rest.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer r.rest.leave()
	return r.readRest(p, BodyIdleTimeout)
}

// Fill reads until the end, or until the body is longer than the most that may be
// held, or there is no room for more of it; the rest is Rest then. A request that has
// to leave the room for another's sake ends with crowd.ErrFull.
func (b *Body) Fill(request *http.Request, most int64) error {
	length := request.ContentLength
	if length == 0 {
		b.Whole = true
		return nil
	}
	if length > most {
		most, b.TooLong = 0, true
	}
	began := time.Now()
	for {
		if length < 0 && len(b.Data) > 0 && int64(len(b.Data)) == most {
			return b.readOver(request.Body, time.Since(began))
		}
		if len(b.Data) == cap(b.Data) && !b.grow(request.Context(), most, length) {
			b.Rest = request.Body
			return nil
		}
		err := b.read(request.Body, cap(b.Data), time.Since(began))
		switch {
		case errors.Is(err, io.EOF) && (length < 0 || int64(len(b.Data)) == length), err == nil && int64(len(b.Data)) == length:
			b.Whole = true
			b.Guest.Expect(0)
			return nil
		case err != nil:
			return b.cut(err)
		}
	}
}

// Begin reads the beginning of a body that Fill found no room for: as much as
// its model may stand in, or less where there is no room for that either.
func (b *Body) Begin(request *http.Request) error {
	for len(b.Data) < prefixBytes {
		if len(b.Data) == cap(b.Data) && !b.extend(request.Context(), min(max(2*len(b.Data), firstBytes), prefixBytes), true) {
			break
		}
		err := b.read(b.Rest, min(cap(b.Data), prefixBytes), 0)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // an end that came too early is met again when the rest is sent
		}
		if err != nil {
			return b.cut(err)
		}
	}
	b.Guest.Expect(0)
	return nil
}

func (b *Body) cut(err error) error {
	if b.Guest.Told() {
		err = crowd.ErrFull
	}
	return fmt.Errorf("cannot read the request's body after %d bytes: %w", len(b.Data), err)
}

// readOver finds out whether a body without a length ends where it may not be
// longer: by one byte more, for which what is held need not be moved.
func (b *Body) readOver(from io.Reader, sinceBegan time.Duration) error {
	var over [1]byte
	for {
		n, err := b.readInto(over[:], from, sinceBegan)
		switch {
		case n > 0:
			b.TooLong, b.Rest = true, io.MultiReader(bytes.NewReader(over[:]), from)
			return nil
		case errors.Is(err, io.EOF):
			b.Whole = true
			b.Guest.Expect(0)
			return nil
		case err != nil:
			return b.cut(err)
		}
	}
}

// read reads once, up to so many bytes in all.
func (b *Body) read(from io.Reader, most int, sinceBegan time.Duration) error {
	n, err := b.readInto(b.Data[len(b.Data):most], from, sinceBegan)
	b.Data = b.Data[:len(b.Data)+n]
	return err
}

func (b *Body) readInto(piece []byte, from io.Reader, sinceBegan time.Duration) (int, error) {
	b.Limit(patience(len(b.Data), sinceBegan, BodyIdleTimeout, b.Rate))
	b.Guest.Expect(patience(len(b.Data), sinceBegan, CrowdedTimeout, crowdedRate))
	if b.Guest.Told() { // perhaps before the limit was set
		return 0, crowd.ErrFull
	}
	return from.Read(piece)
}

// patience is how long to wait for more of a body of which so much has been read
// in such a time, and never 0.
func patience(have int, read, idle time.Duration, rate int64) time.Duration {
	if rate <= 0 {
		return idle
	}
	allowed := idle + time.Duration(have)*time.Second/time.Duration(rate)
	return max(1, min(idle, allowed-read))
}

// grow makes room for as much again as has come, and never for more. Of a known
// length each piece is half of the next, so that the last step is from half of it.
func (b *Body) grow(ctx context.Context, most, length int64) bool {
	first := int64(firstBytes)
	if length > 0 {
		for first = min(length, most); first > firstBytes; first = (first + 1) / 2 {
		}
	}
	want := min(max(2*int64(cap(b.Data)), first), most)
	if length > 0 {
		want = min(want, length)
	}
	return b.extend(ctx, int(want), want <= crowd.SmallBody && length <= crowd.SmallBody)
}

// extend moves the body to a larger piece of memory. While it is moved it takes
// both.
func (b *Body) extend(ctx context.Context, want int, small bool) bool {
	cost := int64(want)
	if want <= firstBytes {
		cost = 0
	}
	if want <= cap(b.Data) {
		return false
	}
	if cost > 0 && !b.Guest.Take(ctx, cost, small) {
		b.TooLong = b.TooLong || !b.Guest.Fits(b.reserved+cost, small)
		return false
	}
	grown := make([]byte, len(b.Data), want)
	copy(grown, b.Data)
	b.Data = grown
	b.Guest.Give(b.reserved)
	b.reserved = cost
	return true
}
