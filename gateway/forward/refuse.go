package forward

import (
	"net/http"
	"strconv"
	"time"

	"github.com/docker/go-units"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/wire"
)

// refuse answers instead of Ollama.
func (x *exchange) refuse(why *Refusal) {
	if x.ask.Streams {
		x.closeAfter()
	}
	x.body.EndConnection(x.writer.Header())
	x.limitWriting()
	x.result.Refused = why.Reason
	x.result.Status = why.Status
	x.result.Bytes += int64(Refuse(x.writer, x.ask.Route, why))
}

// Refuse writes a refusal in the form that clients of the API expect, and says
// how many bytes its body has. A 503 of the gateway's own carries
// "Clawgate-State: gateway".
func Refuse(w http.ResponseWriter, route ollama.Route, why *Refusal) int {
	header := w.Header()
	if why.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(max(1, int(why.RetryAfter.Round(time.Second)/time.Second))))
		header.Set("Retry-After-Ms", strconv.FormatInt(max(1, why.RetryAfter.Milliseconds()), 10))
	}
	if why.Status == http.StatusServiceUnavailable {
		header.Set(wire.StateHeader, wire.ByGateway)
	}
	body := route.API.ErrorBody(why.Status, why.Sentence)
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(why.Status)
	_, _ = w.Write(body) // the client is gone if this fails, and is not missed
	return len(body)
}

func bytesText(n int64) string { return units.BytesSize(float64(n)) }
