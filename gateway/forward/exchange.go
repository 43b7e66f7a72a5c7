package forward

import (
	"context"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/members"
	"github.com/clawdbot/clawgate/proxy"
)

// statusClientGone is nginx's code for a client that did not wait for its answer.
const statusClientGone = 499

// maxAttempts ends the search for a sidecar among many that contradict themselves.
const maxAttempts = 8

// maxDeaths is how many sidecars may die under a request. One that dies takes
// all its requests with it, and a person who restarts it twice in a row is no
// sign against any; one that kills sidecars must end some time.
const maxDeaths = 3

// exchange is one request and its answer, over all attempts. It belongs to the
// goroutine that serves it.
type exchange struct {
	forwarder *Forwarder
	writer    http.ResponseWriter
	control   *http.ResponseController
	request   *http.Request
	ask       Ask
	result    *Result

	arrived   time.Time
	wait      time.Duration // how long it may wait at closed gates
	waitGiven bool          // by the client or by the gateway's own setting
	body      proxy.Body
	insertion members.Insertion // what is sent within the body
	guest     *crowd.Guest      // its place among the requests in hand
	leave     context.CancelCauseFunc
	model     string // normalised, empty when the body names none

	spent   time.Duration             // of the wait budget
	lost    bool                      // a sidecar went away under it
	resent  bool                      // an Ollama may have seen it: it is sent once more, and no third time
	deaths  int                       // sidecars that died with it
	avoided map[*balance.Sidecar]bool // that had no room

	limited time.Time // when the write deadline was set last
}

// step takes the request one step on. It is true when there is a further one.
func (x *exchange) step() (again bool) {
	choice := x.choose()
	last := x.result.Attempts >= maxAttempts
	switch {
	case choice.Sidecar != nil && !last:
		return x.attempt(choice.Sidecar, choice)
	case !last && x.await(choice):
		return true
	case x.gone():
		return false
	case choice.Fallback != nil:
		if !x.attempt(choice.Fallback, balance.Choice{}) {
			return false
		}
		if !last {
			return true // it went away this moment
		}
	}
	x.refuse(&Refusal{
		Status: http.StatusServiceUnavailable, Reason: "no_sidecar", RetryAfter: 5 * time.Second,
		Sentence: "the relay in front of Ollama cannot be reached; try again in a few seconds",
	})
	return false
}

// choose leaves out those that had no room, for as long as there are others.
func (x *exchange) choose() balance.Choice {
	choice := x.others()
	if choice.Sidecar == nil && x.avoided != nil {
		x.avoided = nil
		choice = x.others()
	}
	return choice
}

func (x *exchange) others() balance.Choice {
	return x.forwarder.config.Pool.Choose(x.model, x.ask.Inference, x.avoided)
}

func (x *exchange) avoid(s *balance.Sidecar) {
	if x.avoided == nil {
		x.avoided = map[*balance.Sidecar]bool{}
	}
	x.avoided[s] = true
}

// await waits until something changes. It is false when the budget is spent or
// the client has gone.
func (x *exchange) await(choice balance.Choice) bool {
	left := x.allowance(choice) - x.spent
	if left <= 0 {
		return false
	}
	defer x.spend(time.Now())
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-choice.Changed:
		return true
	case <-timer.C:
		return true // one more look, with nothing left of the budget
	case <-x.request.Context().Done():
		return false
	}
}

// spend counts the time since then as waited.
func (x *exchange) spend(since time.Time) {
	x.spent += time.Since(since)
	x.result.Held = x.spent
}

// allowance is how long the request may wait in all.
func (x *exchange) allowance(choice balance.Choice) time.Duration {
	allowed := min(x.wait, choice.HoldMax)
	if x.lost || choice.Restarting {
		allowed = max(allowed, x.forwarder.config.HoldRelay)
	}
	return allowed
}

// gone says that the client did not wait, or that the request has to leave for
// another's sake.
func (x *exchange) gone() bool { return x.request.Context().Err() != nil }

// repeatable says that it does no harm to send the request again after a
// sidecar has seen it: inference, and what only reads.
func (x *exchange) repeatable() bool {
	reads := x.request.Method == http.MethodGet || x.request.Method == http.MethodHead
	return (x.ask.Inference || reads) && x.body.Whole
}

// movable says that it may still leave a sidecar that lives.
func (x *exchange) movable() bool { return x.repeatable() && !x.resent }

// finish clears up, also when the handler panics. A client that was answered
// nothing gets no empty 200 from the server.
func (x *exchange) finish() {
	x.body.Abandon()
	x.body.Release()
	x.guest.Leave()
	if x.leave != nil {
		x.leave(nil)
	}
	// For what the server has still to send; it clears the deadline after that.
	_ = x.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if x.result.Status == 0 && x.guest.Told() {
		x.crowded()
	}
	if x.result.Status == 0 {
		x.result.Status = statusClientGone
		panic(http.ErrAbortHandler)
	}
}
