package relay

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/members"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// statusClientGone is nginx's code for a client that did not wait for its answer.
const statusClientGone = 499

// exchange is one request of a client and its answer, over all attempts. It
// belongs to the goroutine that serves it.
type exchange struct {
	relay   *Relay
	writer  http.ResponseWriter
	control *http.ResponseController
	request *http.Request

	arrived time.Time
	route   ollama.Route
	id      string
	serial  uint64        // tells it from every other one
	key     string        // who asks, for fairness
	wait    time.Duration // how long it may be held at the closed gate
	body    proxy.Body
	guest   *crowd.Guest // its place among the requests in hand
	leave   context.CancelCauseFunc
	peek    ollama.Peek       // with the model's name as it was asked for, normalised: what people read
	capped  members.Insertion // what caps the answer's tokens
	prompt  uint64            // tells one body from another; 0 when it was not held
	// bodyBytes is the body's length; of a streamed one without a length, that
	// of its beginning.
	bodyBytes int64
	uploaded  *upload // of what is not inference and not held in memory

	waitGiven bool          // by the client or the gateway, not by the relay's own setting
	spent     time.Duration // of the wait budget
	kept      bool          // it was sent, or could not be, and waits to be sent again
	replayed  bool          // it has reached an Ollama once, this one or another's, and is sent for the second time
	status    int           // what the client was answered, 0 for nothing yet
	took      time.Duration // until the end of the answer; 0 where that is the end of the request
}

func newExchange(r *Relay, w http.ResponseWriter, request *http.Request) *exchange {
	x := &exchange{
		relay: r, writer: w, control: http.NewResponseController(w), request: request,
		arrived: time.Now(), serial: r.served.Add(1), route: ollama.RouteOf(request.Method, request.URL.Path),
		id: proxy.RequestID(request.Header.Get(wire.RequestIDHeader)), key: fairnessKey(request),
		replayed: request.Header.Get(wire.ReplayedHeader) != "",
	}
	wait, asked := proxy.WaitAsked(request.Header.Values("Prefer"), r.config.Hold)
	x.wait, x.waitGiven = min(wait, r.config.HoldMax), asked
	w.Header().Set(wire.RequestIDHeader, x.id)
	cleanRequestHeader(request, x.id)
	return x
}

// finish records how the request ended, also when its handler panics to abort.
// A client that has gone is answered nothing at all: one that has only closed
// its sending side looks the same, and would take the server's empty 200 for
// an answer.
func (x *exchange) finish() {
	x.body.Abandon()
	x.body.Release()
	x.guest.Leave()
	if x.leave != nil {
		x.leave(nil)
	}
	if x.status == 0 && x.guest.Told() {
		_ = x.control.SetWriteDeadline(time.Now().Add(lastWrite)) // it is over
		x.crowded()
	}
	unanswered := x.status == 0
	if unanswered {
		x.status = statusClientGone
	}
	x.relay.config.Metrics.Request(x.route.Name, x.status, cmp.Or(x.took, time.Since(x.arrived)))
	if unanswered {
		panic(http.ErrAbortHandler)
	}
}

// lastWrite is how long a client may take nothing of the end of an answer that
// was cut.
const lastWrite = 10 * time.Second

// endCut sends the last words of an answer that was cut, and what the server's
// buffer still has of it, before the connection is aborted: to the gateway an
// answer without a byte is a relay that died.
func (x *exchange) endCut(words []byte) {
	_ = x.control.SetWriteDeadline(time.Now().Add(lastWrite)) // a writer without deadlines has none to keep
	_, _ = x.writer.Write(words)                              // the connection ends either way
	_ = x.control.Flush()
}

// replayable says that the request can be sent once more.
func (x *exchange) replayable() bool { return !x.replayed && x.body.Whole }

// gone says that the client did not wait, or that the request has to leave for
// another's sake.
func (x *exchange) gone() bool { return x.request.Context().Err() != nil }

// fairnessKey is the name of the key that the gateway authenticated, or the
// client's address. A client that makes names up gains a larger share of the
// queue and nothing else.
func fairnessKey(request *http.Request) string {
	if key := request.Header.Get(wire.KeyHeader); key != "" {
		return key
	}
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return request.RemoteAddr
	}
	return crowd.Origin(address.Addr())
}
