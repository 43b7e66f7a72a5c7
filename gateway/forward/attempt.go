package forward

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// attempt is one try of an exchange with one sidecar.
type attempt struct {
	*exchange
	sidecar *balance.Sidecar
	count   *balance.Attempt
	ctx     context.Context
	began   time.Time
}

// attempt sends the request and passes the answer on. It is true when the
// request is to go on to another sidecar, or to wait.
func (x *exchange) attempt(s *balance.Sidecar, choice balance.Choice) (again bool) {
	x.result.Attempts++
	x.result.Sidecar = s.Address
	ctx, cancel := context.WithCancelCause(x.request.Context())
	defer cancel(nil)
	pool := x.forwarder.config.Pool
	a := &attempt{exchange: x, sidecar: s, ctx: ctx, began: time.Now()}
	a.count = pool.Begin(s, x.model, x.movable(), cancel)
	defer pool.End(a.count)
	answer, err := x.forwarder.config.Transport.RoundTrip(a.outgoing(choice))
	if err != nil {
		return a.unanswered(err)
	}
	defer func() { _ = answer.Body.Close() }() // ends the request, if it has not ended
	if answer.StatusCode == http.StatusServiceUnavailable && choice.Sidecar == s && a.goesOn(answer) {
		return true
	}
	return a.pass(answer)
}

// outgoing is the request as the sidecar gets it.
func (a *attempt) outgoing(choice balance.Choice) *http.Request {
	out := a.request.WithContext(a.ctx)
	out.Header = a.header(choice)
	out.URL = &url.URL{Scheme: "http", Host: a.sidecar.Address, Path: a.ask.Path, RawQuery: a.request.URL.RawQuery}
	out.Host, out.RequestURI, out.Close = a.sidecar.Address, "", false
	out.TransferEncoding, out.Trailer = nil, nil
	if !a.body.Whole {
		out.Body = a.body.Reader()
		return out
	}
	body, insertion := &a.body, a.insertion // not its bytes: the answer keeps out for as long as it lasts
	out.ContentLength = int64(len(body.Data) + len(insertion.Text))
	out.Body = http.NoBody
	if len(body.Data) > 0 {
		out.Body = insertion.Into(body.Reader())
	}
	// With it the transport takes the lean way, and sends again on a fresh
	// connection what an idle one did not take.
	out.GetBody = func() (io.ReadCloser, error) { return insertion.Into(body.Reader()), nil }
	return out
}

// unanswered decides about an attempt that failed without a byte for the client.
func (a *attempt) unanswered(err error) (again bool) {
	pool := a.forwarder.config.Pool
	switch {
	case a.gone():
		return false
	case a.body.Broken.Load():
		a.badBody(io.ErrUnexpectedEOF)
		return false
	case errors.Is(err, proxy.ErrNoAnswer):
		a.refuse(&Refusal{
			Status: http.StatusBadGateway, Reason: "bad_answer",
			Sentence: "what came from the relay in front of Ollama is no HTTP answer that can be passed on",
		})
		return false
	case proxy.NeverConnected(err):
		pool.Unreachable(a.sidecar, err.Error())
		a.spend(a.began) // a connection that is refused takes no time, one that times out does
		a.lost = true
		if a.body.Whole || !a.body.Begun.Load() {
			return true
		}
	case context.Cause(a.ctx) != nil: // the pool's
		if errors.Is(context.Cause(a.ctx), balance.ErrLost) {
			a.deaths++ // or as good as dead
		}
		a.forwarder.config.Log.Info("request moves to another sidecar", "request_id", a.ask.ID, "from", a.sidecar.Address, "reason", context.Cause(a.ctx))
	case proxy.Unsent(err):
		a.deaths++
		pool.Doubt(a.sidecar)
	default:
		a.deaths++
		pool.Unreachable(a.sidecar, err.Error())
	}
	if !a.repeatable() || a.deaths >= maxDeaths {
		a.refuse(&Refusal{
			Status: http.StatusServiceUnavailable, Reason: "sidecar_died", RetryAfter: max(a.forwarder.config.HoldRelay, time.Second),
			Sentence: "the relay in front of Ollama went away before it answered, and this request cannot be sent again",
		})
		return false
	}
	a.resent, a.lost = true, true
	return true
}

// goesOn reads a sidecar's own 503. It is true when the request had better try
// elsewhere or wait; otherwise the client gets that answer.
func (a *attempt) goesOn(answer *http.Response) bool {
	state, reason := answer.Header.Get(wire.StateHeader), wire.Reason(answer.Header.Get(wire.ReasonHeader))
	if state == "" {
		return false // Ollama's own
	}
	a.spend(a.began) // at the relay's gate or in its queue
	a.resent = a.resent || answer.Header.Get(wire.SeenHeader) != ""
	pool := a.forwarder.config.Pool
	switch {
	case answer.Header.Get(wire.ReplayedHeader) != "":
		return false // it has reached an Ollama twice, and may be what kills it
	case reason == wire.Gate:
		pool.Closed(a.sidecar, a.model, state, "it refuses requests")
		return true
	case reason == wire.Draining:
		pool.Drains(a.sidecar)
		a.lost = true
		return true
	case reason == wire.Upstream && a.movable():
		a.resent = true
	case reason != wire.QueueFull && reason != wire.Crowded:
		return false // also of a queue in which it has waited for as long as it may
	}
	a.avoid(a.sidecar)
	return a.others().Sidecar != nil
}
