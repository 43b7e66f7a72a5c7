package relay

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/docker/go-units"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/ollama"
)

// readBody reads the body and looks into it. It is false when there is nothing
// to go on with, and the client has been told.
func (x *exchange) readBody() bool {
	if !x.fillBody() {
		return false
	}
	x.bodyBytes = max(x.request.ContentLength, int64(len(x.body.Data)))
	if x.body.Whole {
		x.prompt = promptOf(x.body.Data)
	}
	return x.peekInto()
}

// peekInto finds out what the body asks for, and caps its answer. What parses as
// JSON is JSON, whatever the header says: so does Ollama read it.
func (x *exchange) peekInto() bool {
	if !x.body.Whole {
		// The upstream may answer before it has read everything; without this
		// the server closes the body then, and the transport cuts the stream.
		_ = x.control.EnableFullDuplex()
	}
	if x.body.Whole {
		x.peek = ollama.PeekBody(x.route, x.body.Data)
	} else {
		x.peek = ollama.PeekPrefix(x.route, x.body.Data)
	}
	encoded := x.peek.Encoded(x.request.Header)
	if encoded {
		x.peek = ollama.Peek{Opaque: true, Streaming: true}
	}
	x.shorten()
	return x.leaveLoaded() && x.cap(encoded)
}

func (x *exchange) fillBody() bool {
	x.body.Guest, x.body.Limit, x.body.Rate = x.guest, x.limitReading, x.relay.config.UploadRate
	err := x.body.Fill(x.request, x.relay.config.ReplayMaxBytes)
	if err == nil && !x.body.Whole {
		err = x.body.Begin(x.request)
	}
	if err != nil {
		x.badBody(err)
		return false
	}
	x.limitReading(0) // or waiting for the answer would be limited
	return true
}

func (x *exchange) limitReading(d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = x.control.SetReadDeadline(deadline) // a writer without deadlines has none to keep
}

// readOn lets a client that is still sending its body see the answer.
func (x *exchange) readOn() {
	if x.status == 0 || x.body.Rest == nil {
		return
	}
	_ = x.control.Flush() // the client may be gone
	x.took = time.Since(x.arrived)
	x.body.ReadOn()
}

// sentenceOf says what a body should have been. It does not tell the error of the
// network, which has this side's address.
func (x *exchange) sentenceOf(err error, late bool) string {
	rate := x.relay.config.UploadRate
	switch {
	case late && x.uploaded == nil && rate > 0:
		return "the request's body did not come in time: something every minute and, after the first, " + units.BytesSize(float64(rate)) + " a second (CLAWGATE_MIN_UPLOAD_RATE)"
	case late:
		return "the request's body did not come in time: something every minute"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the request's body ended too early"
	}
	return "the request's body did not come as it was announced"
}

// badBody answers a request whose body did not come as announced. Nothing of
// it has reached Ollama.
func (x *exchange) badBody(err error) {
	status, late := http.StatusBadRequest, errors.Is(err, os.ErrDeadlineExceeded)
	if errors.Is(err, crowd.ErrFull) {
		x.crowded()
		return
	}
	if x.gone() && !late && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	if late {
		status = http.StatusRequestTimeout
	}
	// The read deadline stays, or the server would wait for the rest of the body.
	x.writer.Header().Set("Connection", "close")
	x.answerError(status, x.sentenceOf(err, late))
}
