package relay

import (
	"net/http"
	"strconv"
	"time"

	"github.com/clawdbot/clawgate/wire"
)

// longestObeyed is the longest wait that the OpenAI clients take from
// Retry-After-Ms: of a minute or more they take no notice, and give up after
// two quick tries.
const longestObeyed = 59 * time.Second

// refusal is the relay's own "not now".
type refusal struct {
	reason   wire.Reason
	sentence string // for the client
	state    string
	estimate time.Duration // until trying again may help; 0 when nobody knows
	gone     bool          // the client went away: there is nobody to tell
}

// refuse tells the client. Both Retry-After headers say the same thing to two
// kinds of clients.
func (x *exchange) refuse(why *refusal) {
	if why.gone {
		return
	}
	if x.kept {
		x.relay.config.Metrics.Replayed("failed")
	}
	x.relay.config.Metrics.Refused(string(why.reason))
	header := x.writer.Header()
	header.Set("Retry-After", strconv.Itoa(max(1, int(x.relay.config.RetryAfter.Round(time.Second)/time.Second))))
	estimate := why.estimate
	if estimate <= 0 {
		estimate = x.relay.config.RetryAfter
	}
	header.Set("Retry-After-Ms", strconv.FormatInt(min(estimate, longestObeyed).Milliseconds(), 10))
	header.Set(wire.StateHeader, why.state)
	header.Set(wire.ReasonHeader, string(why.reason))
	if x.replayed {
		header.Set(wire.SeenHeader, wire.Yes)
	}
	x.answerError(http.StatusServiceUnavailable, why.sentence)
}

// answerError answers in the form that clients of this API expect.
func (x *exchange) answerError(status int, message string) {
	x.status = status
	header := x.writer.Header()
	x.body.EndConnection(header)
	header.Set("Content-Type", "application/json; charset=utf-8")
	body := x.route.API.ErrorBody(status, message)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.writer.WriteHeader(status)
	_, _ = x.writer.Write(body) // the client is gone if this fails, and is not missed
}

// upstreamFailed refuses a request that Ollama did not answer.
func (x *exchange) upstreamFailed(sentence string) {
	x.refuse(&refusal{reason: wire.Upstream, sentence: sentence, state: x.relay.admission.state()})
}

// noAnswer is for what speaks HTTP in Ollama's place, and badly: to ask again
// would bring the same.
func (x *exchange) noAnswer() {
	if x.kept {
		x.relay.config.Metrics.Replayed("failed")
	}
	x.relay.config.Metrics.Refused(string(wire.Upstream))
	x.answerError(http.StatusBadGateway, "what came from Ollama is no HTTP answer that can be passed on")
}

func (a *admission) refuseClosed(closure *Closure) *refusal {
	why := &refusal{reason: wire.Gate, sentence: closure.sentence(), state: a.gate.State}
	if !closure.ExpectedOpen.IsZero() {
		why.estimate = max(time.Until(closure.ExpectedOpen), time.Second)
	}
	return why
}

func (a *admission) refuseFull(l *lane) *refusal {
	return &refusal{
		reason: wire.QueueFull, state: a.gate.State, estimate: a.turnover(l),
		sentence: "too many requests are waiting for the model already; try again later",
	}
}

func (a *admission) refuseLate(l *lane) *refusal {
	return &refusal{
		reason: wire.QueueTimeout, state: a.gate.State, estimate: a.turnover(l),
		sentence: "the model was busy with other requests for as long as this one could wait",
	}
}

func (a *admission) refuseDraining() *refusal {
	return &refusal{reason: wire.Draining, state: a.gate.State, estimate: time.Second, sentence: "Clawgate is shutting down; try again"}
}

// turnover is about how long it takes to serve those who wait now.
func (a *admission) turnover(l *lane) time.Duration {
	return max(l.typical*time.Duration(len(l.all()))/time.Duration(a.limit()), time.Second)
}
