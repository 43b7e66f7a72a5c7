package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

// stream is an answer on its way to the client.
type stream struct {
	*flight
	answer   *http.Response
	follower ollama.Follower
	encoded  bool // Content-Encoding: its bytes mean nothing to us
	lines    bool // it has lines or events, to which an error can be added
	proved   bool
	begun    bool // the client has the header
	ended    func()
}

// passAnswer passes a 200 on. Nothing is written before the first piece is
// there, so that an answer that begins with the runner's death can be had again.
func (f *flight) passAnswer(answer *http.Response) (again bool) {
	piece := f.relay.pieces.Borrow()
	defer func() { f.relay.pieces.GiveBack(piece) }()
	s := newStream(f, answer)
	if f.peek.Model != "" && f.subject.Load().lane == opaqueLane {
		f.relay.config.Relist()
	}
	for {
		n, err := answer.Body.Read(piece)
		if n > 0 {
			s.observe(piece[:n])
			if !s.begun && s.diedAtOnce() {
				return true
			}
			if !s.write(piece[:n]) {
				return false
			}
		}
		if n == proxy.SmallPiece {
			piece = f.relay.pieces.Larger(piece)
		}
		switch {
		case err == nil:
		case err == io.EOF:
			s.end()
			return false
		case !s.begun:
			return f.diedUnanswered(err)
		default:
			s.broken(err)
			return false
		}
	}
}

func newStream(f *flight, answer *http.Response) *stream {
	s := &stream{flight: f, answer: answer, encoded: answer.Header.Get("Content-Encoding") != ""}
	s.follower.Format = ollama.FormatOf(answer.Header.Get("Content-Type"))
	s.lines = s.follower.Format != ollama.JSON && !s.encoded
	return s
}

// diedUnanswered is for an answer of which there was a header and no more.
func (f *flight) diedUnanswered(err error) (again bool) {
	if context.Cause(f.ctx) != nil {
		return f.unanswered(err)
	}
	f.brokeOff(err)
	return f.keep("Ollama closed the connection before it answered")
}

func (s *stream) observe(piece []byte) {
	now := s.age()
	if s.firstPiece.Load() == 0 {
		s.firstPiece.Store(now)
	}
	s.lastPiece.Store(now)
	if s.encoded {
		s.follower.Content = true
	} else {
		s.follower.Observe(piece)
	}
	s.prove()
}

// prove is for the first real content: the model works.
func (s *stream) prove() {
	if s.proved || !s.follower.Content {
		return
	}
	s.proved = true
	sign := evidence.Sign{Kind: evidence.SignFirstChunk, SentAt: s.sentAt, Loaded: s.visit.Served()}
	if s.peek.Streaming {
		sign.Took = time.Since(s.sentAt)
		s.relay.config.Metrics.FirstChunk(s.peek.Model, sign.Took)
	}
	s.post(sign)
	s.rememberOptions()
	if s.kept {
		s.relay.config.Metrics.Replayed("answered")
	}
	if s.suspect || s.tried.Load() {
		s.relay.admission.proved(s.flight)
	}
}

func (s *stream) rememberOptions() {
	if title := s.subject.Load().evident(); title != "" {
		s.relay.options.remember(title, s.peek.Options)
	}
}

// loaded is for the answer to a request that only had the model loaded: it is in
// memory, though it has said nothing.
func (s *stream) loaded() {
	s.rememberOptions()
	if !s.proved && s.visit.Served() {
		s.post(evidence.Sign{Kind: evidence.SignLoading})
	}
}

// diedAtOnce is true when the answer begins with the runner's death and the
// request can be sent again.
func (s *stream) diedAtOnce() bool {
	text := s.follower.FirstError()
	if text == "" || !s.replayable() {
		return false
	}
	failure := ollama.Classify(http.StatusOK, text)
	if failure.Kind != evidence.SignRunnerDied {
		return false
	}
	s.hint(failure)
	return s.keep("")
}

// begin sends the header. From here on the request cannot be sent again.
func (s *stream) begin() {
	if s.begun {
		return
	}
	s.begun = true
	s.body.Release()
	s.guest.Settle()
	if s.lines {
		s.answer.Header.Del("Content-Length") // which would leave no room for an error line
	}
	copyAnswerHeader(s.writer.Header(), s.answer.Header)
	s.status = s.answer.StatusCode
	s.ended = proxy.ResetUntil(s.request, s.writer.Header())
	s.body.EndConnection(s.writer.Header())
	s.writer.WriteHeader(s.status)
}

// write is false when the client takes no more.
func (s *stream) write(piece []byte) bool {
	s.begin()
	s.writingSince.Store(s.lastPiece.Load())
	s.guest.Expect(proxy.CrowdedTimeout)
	_, err := s.writer.Write(piece)
	if err == nil && (s.lines || s.answer.ContentLength < 0) {
		err = s.control.Flush()
	}
	s.writingSince.Store(0)
	s.guest.Expect(0)
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.status = statusClientGone
		return false
	}
	return true
}

// endedEarly is all that 0.9.6 tells of a runner's death in OpenAI's form. It may also
// be Ollama's own end of an answer that repeats itself.
const endedEarly = "the answer ended without its final chunk"

// upstreamError are the words by which the interactive ollama command line of newer
// releases knows an error that is no reason to quit. Other errors end it, and programs
// need one: without it, what is missing would not show.
const upstreamError = "upstream error: "

// end is for a body that ended as HTTP wants it, which may still be too early
// for the API.
func (s *stream) end() {
	s.begin()
	s.visit.Answered()
	proxy.RemoveOwn(s.answer.Trailer)
	for name, values := range s.answer.Trailer {
		s.writer.Header()[http.TrailerPrefix+name] = values
	}
	if s.encoded {
		s.ended()
		return
	}
	ending := s.follower.End()
	s.prove()
	if s.peek.Purpose == ollama.Load && ending.Complete && ending.Error == "" {
		s.loaded()
	}
	s.count(ending.Counts)
	s.hint(ollama.Classify(http.StatusOK, ending.Error))
	s.answered(ending)
	if !ending.Complete && ending.Error == "" {
		s.hint(ollama.Failure{Kind: evidence.SignRunnerDied, Says: endedEarly, Status: http.StatusOK})
		s.cut("incomplete", upstreamError+endedEarly+" and may not be complete", ending.OpenLine)
	}
	s.ended()
}

func (s *stream) count(counts ollama.Counts) {
	if counts.PromptTokens+counts.GeneratedTokens == 0 {
		return
	}
	s.relay.config.Metrics.Tokens(s.peek.Model, counts.PromptTokens, counts.GeneratedTokens, counts.PerSecond())
}

// broken is for a body that ended otherwise, in the middle of the answer.
func (s *stream) broken(err error) {
	cause := context.Cause(s.ctx)
	open := s.follower.End().OpenLine
	var healed recovery
	switch {
	case s.gone():
		s.status = statusClientGone
		panic(http.ErrAbortHandler)
	case errors.As(cause, &healed):
		s.cut("recovery", "the answer was cut: "+healed.cause, open)
	case errors.Is(cause, errStalled):
		s.cut("stalled", "the answer was cut: nothing more came from Ollama", open)
	}
	s.brokeOff(err)
	s.cut("upstream", "the answer was cut: Ollama closed the connection", open)
}

// cut ends the answer with an error line, where its format has lines, and
// aborts the connection: it must not look complete.
func (s *stream) cut(reason, sentence string, openLine bool) {
	s.relay.config.Metrics.Cut(reason)
	s.relay.config.Log.Warn("answer cut", "request_id", s.id, "model", s.peek.Model, "reason", reason)
	var line []byte
	if s.lines {
		line = s.route.API.ErrorLine(sentence)
		if s.follower.Format == ollama.SSE || openLine {
			line = append([]byte("\n\n"), line...)
		}
	}
	s.endCut(line)
	if s.lines {
		s.ended() // the line says it, and would be lost with a reset
	}
	panic(http.ErrAbortHandler)
}
