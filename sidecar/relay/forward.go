package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// A connection that is refused is tried again at these intervals for as long
// as the gate stays open: Docker's own policy has a crashed server up again
// within a second, before anybody has decided anything.
const (
	firstRedial = 100 * time.Millisecond
	lastRedial  = time.Second
)

// attempt waits for its turn, sends the request and passes the answer on. It
// is true when the request is to be tried again.
func (x *exchange) attempt() (again bool) {
	f := newFlight(x)
	if refused := x.relay.admission.enter(f); refused != nil {
		f.cancel(nil)
		x.refuse(refused)
		return false
	}
	defer x.relay.admission.leave(f)
	f.watch()
	defer f.unwatch()
	f.arrive()
	defer f.depart()
	answer, err := f.send()
	if err != nil {
		return f.unanswered(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return f.passError(answer)
	}
	return f.passAnswer(answer)
}

// send returns Ollama's answer as soon as its header is there.
func (f *flight) send() (*http.Response, error) {
	for delay := firstRedial; ; delay = min(2*delay, lastRedial) {
		answer, err := f.relay.config.Transport.RoundTrip(f.outgoing())
		if err == nil || !proxy.NeverConnected(err) || f.ctx.Err() != nil {
			return answer, err
		}
		if delay == firstRedial {
			f.post(evidence.Sign{Kind: evidence.SignRefused, Detail: inWords(err)})
		}
		if !f.pause(delay) {
			return nil, err
		}
	}
}

// pause is false when another try would not help: the gate has closed, the
// time is up or the client has gone.
func (f *flight) pause(delay time.Duration) bool {
	if f.spent+delay > max(f.relay.config.HoldMax, f.wait) || f.relay.admission.closed(f) {
		return false
	}
	if pause.For(f.ctx, delay) != nil {
		return false
	}
	f.spent += delay
	return !f.relay.admission.closed(f)
}

// outgoing is the request as Ollama gets it.
func (f *flight) outgoing() *http.Request {
	out := f.request.WithContext(f.ctx)
	proxy.RemoveHopByHop(out.Header) // the inbound header is ours from here on, so it need not be copied
	delete(out.Header, "Expect")
	out.URL = upstreamURL(f.relay.config.Upstream, f.request.URL)
	out.Host, out.RequestURI, out.Close = f.relay.config.Upstream.Host, "", false
	out.TransferEncoding, out.Trailer = nil, nil
	if !f.body.Whole {
		out.Body = f.body.Reader()
		return out
	}
	body, capped := &f.body, f.capped // not its bytes: the answer keeps out for as long as it lasts
	out.ContentLength = int64(len(body.Data) + len(capped.Text))
	out.Body = http.NoBody
	if len(body.Data) > 0 {
		out.Body = capped.Into(body.Reader())
		// With it the transport itself sends again on a fresh connection what an
		// idle one, closed by Ollama meanwhile, did not take.
		out.GetBody = func() (io.ReadCloser, error) { return capped.Into(body.Reader()), nil }
	}
	return out
}

// upstreamURL keeps the path as the client wrote it: what it means is Ollama's
// to decide.
func upstreamURL(upstream, asked *url.URL) *url.URL {
	return &url.URL{
		Scheme: upstream.Scheme, Host: upstream.Host,
		Path: asked.Path, RawPath: asked.RawPath, RawQuery: asked.RawQuery,
	}
}

// unanswered decides about an attempt that failed before the client had a byte.
func (f *flight) unanswered(err error) (again bool) {
	cause := context.Cause(f.ctx)
	switch {
	case f.gone():
		return false
	case f.body.Broken.Load():
		f.badBody(io.ErrUnexpectedEOF)
		return false
	case errors.Is(err, proxy.ErrNoAnswer):
		f.noAnswer()
		return false
	case proxy.NeverConnected(err):
		return f.unconnected()
	case errors.Is(cause, errRecovery):
		return f.keep("the model is being recovered, and this request cannot be sent again")
	}
	f.post(evidence.Sign{Kind: evidence.SignRefused, Detail: inWords(err)})
	return f.keep("Ollama closed the connection before it answered")
}

// keep has the request sent once more, if that is possible, and refuses it
// otherwise, with a word to the gateway that it must not try a third time.
func (f *flight) keep(otherwise string) (again bool) {
	if !f.replayable() {
		if f.replayed {
			f.writer.Header().Set(wire.ReplayedHeader, "1")
		}
		f.upstreamFailed(otherwise)
		return false
	}
	f.kept, f.replayed = true, true
	f.relay.config.Log.Info("request kept to be sent again", "request_id", f.id, "model", f.peek.Model)
	return true
}

// unconnected has the request wait at the gate, if that has closed. It is not
// counted as sent: Ollama has not seen it.
func (f *flight) unconnected() (again bool) {
	if f.body.Begun.Load() || f.relay.config.HoldMax <= 0 || !f.relay.admission.closed(f) {
		f.upstreamFailed("Ollama does not accept connections")
		return false
	}
	f.kept = true
	return true
}

// inWords says how a connection failed. The error itself may quote what came over
// the wire, so that only what the operating system says is repeated.
func inWords(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected EOF"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "the answer was no HTTP, or the connection is gone"
}
