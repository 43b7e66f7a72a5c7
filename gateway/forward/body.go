package forward

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

// readBody reads the body and has it looked at. It is false when there is
// nothing to go on with, and the client has been told.
func (x *exchange) readBody() bool {
	x.body.Guest, x.body.Limit, x.body.Rate = x.guest, x.limitReading, x.forwarder.config.UploadRate
	if x.ask.Streams {
		x.body.Rest = x.request.Body
		x.limitReading(0) // until it is read
		// The sidecar may answer before it has read everything; without this the
		// server closes the body then, and the transport cuts the answer.
		_ = x.control.EnableFullDuplex()
		return true
	}
	most := x.forwarder.config.MaxBodyBytes
	if x.request.ContentLength > most {
		x.tooLarge(most)
		return false
	}
	if err := x.body.Fill(x.request, most); errors.Is(err, crowd.ErrFull) {
		x.crowded()
		return false
	} else if err != nil {
		x.badBody(err)
		return false
	}
	x.limitReading(0) // or waiting for the answer would be limited
	if !x.body.Whole {
		x.notWhole(most)
		return false
	}
	return x.inspect()
}

// inspect finds the model, and has the body decided about. What parses as JSON is
// JSON, whatever the header says: so does Ollama read it.
func (x *exchange) inspect() bool {
	if !x.ask.Inference && !x.ask.Inspect {
		return true
	}
	peek := ollama.PeekBody(x.ask.Route, x.body.Data)
	if x.ask.Inference {
		x.model = peek.Model
		x.result.Model = x.model
	}
	if !x.ask.Inspect {
		return true
	}
	if peek.Encoded(x.request.Header) {
		x.refuse(&Refusal{Status: http.StatusUnsupportedMediaType, Reason: "encoding", Sentence: "an encoded body cannot be checked; send it without Content-Encoding"})
		return false
	}
	body, insertion, refusal := x.forwarder.config.Body(x.request, x.ask.Route, peek, x.body.Data)
	if refusal != nil {
		x.refuse(refusal)
		return false
	}
	x.body.Data, x.insertion = body, insertion
	return true
}

func (x *exchange) limitReading(d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = x.control.SetReadDeadline(deadline) // a writer without deadlines has none to keep
}

func (x *exchange) tooLarge(most int64) {
	x.body.Rest = x.request.Body // to be read on
	x.closeAfter()
	x.refuse(&Refusal{
		Status: http.StatusRequestEntityTooLarge, Reason: "body_too_large",
		Sentence: "the request's body is larger than " + bytesText(most) + " (CLAWGATE_GATEWAY_MAX_BODY_BYTES)",
	})
}

// notWhole is for a body that turned out too large, for itself or for what all
// may take together.
func (x *exchange) notWhole(most int64) {
	if x.body.TooLong {
		x.tooLarge(most)
		return
	}
	x.refuseUnread(&Refusal{
		Status: http.StatusServiceUnavailable, Reason: "memory", RetryAfter: 5 * time.Second,
		Sentence: "too many large requests at once; try again in a few seconds",
	})
}

// badBody answers a request whose body did not come as announced. It does not
// tell the error, which has this side's address.
func (x *exchange) badBody(err error) {
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if x.gone() && !late && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	why := &Refusal{Status: http.StatusBadRequest, Reason: "bad_body", Sentence: "the request's body did not come as it was announced"}
	x.closeAfter()
	if late {
		why.Status, why.Sentence = http.StatusRequestTimeout, "the request's body did not come in time: something every minute"
		if rate := x.forwarder.config.UploadRate; rate > 0 && !x.ask.Streams {
			why.Sentence += " and, after the first, " + bytesText(rate) + " a second (CLAWGATE_GATEWAY_MIN_UPLOAD_RATE)"
		}
		x.limitReading(time.Millisecond) // it had its time
	}
	x.refuse(why)
}

// readOn lets a client that is still sending its body see the answer.
func (x *exchange) readOn() {
	if x.result.Status == 0 || x.body.Rest == nil {
		return
	}
	_ = x.control.Flush() // the client may be gone
	x.result.Took = time.Since(x.arrived)
	x.body.ReadOn()
}

// closeAfter ends the connection with the answer, which does not wait for the rest
// of a body that nobody wants.
func (x *exchange) closeAfter() {
	x.writer.Header().Set("Connection", "close")
	_ = x.control.EnableFullDuplex() // only HTTP/1.x needs it
	x.limitReading(proxy.BodyIdleTimeout)
}
