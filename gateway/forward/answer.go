package forward

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

const (
	// writeTimeout is how long a client may take nothing of an answer.
	writeTimeout = 2 * time.Minute
	// writeLimitAge spares setting the deadline anew for every piece.
	writeLimitAge = 10 * time.Second
)

// answer is a sidecar's answer on its way to the client.
type answer struct {
	*attempt
	*http.Response
	lines bool // it has lines or events, to which an error can be added
	begun bool
	ended func()
	line  lineStart // of the last line
}

// pass passes the answer on. Nothing is written before the first piece is
// there: until then the request can still go elsewhere.
func (a *attempt) pass(response *http.Response) (again bool) {
	to := &answer{attempt: a, Response: response}
	to.lines = ollama.FormatOf(response.Header.Get("Content-Type")) != ollama.JSON && response.Header.Get("Content-Encoding") == ""
	piece := a.forwarder.pieces.Borrow()
	defer func() { a.forwarder.pieces.GiveBack(piece) }()
	for {
		n, err := response.Body.Read(piece)
		if (n > 0 || err == io.EOF) && !to.begin() {
			return a.unanswered(context.Cause(a.ctx))
		}
		if n > 0 && !to.write(piece[:n]) {
			return false
		}
		switch {
		case err == io.EOF:
			to.end()
			return false
		case err != nil && !to.begun:
			return a.unanswered(err)
		case err != nil:
			to.cut()
		case n == proxy.SmallPiece:
			piece = a.forwarder.pieces.Larger(piece)
		}
	}
}

// begin sends the header, before the first piece. It is false when the pool has
// told the attempt to leave, between the reading of that piece and now.
func (t *answer) begin() bool {
	if t.begun {
		return true
	}
	if !t.forwarder.config.Pool.Answered(t.count) {
		return false
	}
	t.begun = true
	t.result.FirstChunk = max(1, time.Since(t.arrived))
	t.body.Release()
	t.guest.Settle()
	copyAnswerHeader(t.writer.Header(), t.Header, t.ask.Asked)
	t.result.Status = t.StatusCode
	t.ended = proxy.ResetUntil(t.request, t.writer.Header())
	t.body.EndConnection(t.writer.Header())
	t.writer.WriteHeader(t.StatusCode)
	return true
}

// write is false when the client takes no more.
func (t *answer) write(piece []byte) bool {
	if t.lines {
		t.line.follow(piece)
	}
	t.count.Moves(t.limitWriting())
	t.guest.Expect(proxy.CrowdedTimeout)
	n, err := t.writer.Write(piece)
	t.result.Bytes += int64(n)
	if err == nil && t.ContentLength < 0 {
		err = t.control.Flush()
	}
	t.guest.Expect(0)
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		t.result.Cut = "client"
		return false
	}
	return true
}

func (x *exchange) limitWriting() (now time.Time) {
	now = time.Now()
	if now.Sub(x.limited) > writeLimitAge {
		x.limited = now
		_ = x.control.SetWriteDeadline(now.Add(writeTimeout)) // without deadlines only the client's leaving ends this
	}
	return now
}

// end is for a body that ended as HTTP wants it. Whether it is a whole answer
// the relay has seen to.
func (t *answer) end() {
	for name, values := range t.Trailer {
		t.writer.Header()[http.TrailerPrefix+name] = values
	}
	t.ended()
}

// cut ends the answer of a sidecar that broke off in the middle, with an error
// line where the format has lines and the relay has not sent one, and aborts
// the connection: it must not look complete.
func (t *answer) cut() {
	t.result.Cut = "sidecar"
	if t.gone() {
		t.result.Cut = "client"
		panic(http.ErrAbortHandler)
	}
	if t.lines && !t.line.saysError() {
		t.limited = time.Time{} // the deadline of the last chunk may have passed
		t.limitWriting()
		sentence := "the answer was cut: the relay in front of Ollama went away"
		if errors.Is(context.Cause(t.ctx), balance.ErrLost) {
			sentence = "the answer was cut: the relay in front of Ollama does not answer"
		}
		line := append([]byte("\n\n"), t.ask.Route.API.ErrorLine(sentence)...)
		n, _ := t.writer.Write(line) // the connection ends either way
		t.result.Bytes += int64(n)
		_ = t.control.Flush()
	}
	if t.lines {
		t.ended() // an error line says it, and would be lost with a reset
	}
	panic(http.ErrAbortHandler)
}
