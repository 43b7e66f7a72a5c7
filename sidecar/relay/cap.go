package relay

import (
	"net/http"
	"time"

	"github.com/docker/go-units"

	"github.com/clawdbot/clawgate/wire"
)

// cap bounds the answer's tokens, if there is a cap. It is false when that is not
// possible, and the client has been told: a cap that could be lifted by the form of
// a request would be none.
func (x *exchange) cap(encoded bool) bool {
	most := x.relay.config.MaxTokens
	switch {
	case most <= 0 || x.route.Embedding:
		return true
	case !x.body.Whole:
		x.tooLargeToCap()
		return false
	case encoded || x.peek.Opaque && !x.peek.IsObject():
		x.answerError(http.StatusUnsupportedMediaType, "the answer's tokens are capped here (CLAWGATE_MAX_TOKENS), and this body cannot be read for that; send plain JSON without Content-Encoding")
		return false
	}
	x.capped = x.peek.Cap(most)
	return true
}

// memoryFor is about how long it takes until there is room for a large body again.
const memoryFor = 5 * time.Second

// tooLargeToCap is for a body that is not held: for its own size, or for lack of
// room, which passes.
func (x *exchange) tooLargeToCap() {
	x.writer.Header().Set("Connection", "close")
	limit := x.relay.config.ReplayMaxBytes
	if !x.body.TooLong {
		x.refuse(&refusal{
			reason: wire.Memory, state: x.relay.admission.state(), estimate: memoryFor,
			sentence: "too many large requests at once; try again in a few seconds",
		})
		return
	}
	over := units.BytesSize(float64(limit)) + " (CLAWGATE_REPLAY_MAX_BYTES)"
	if x.request.ContentLength <= limit && int64(len(x.body.Data)) < limit { // the buffer is hardly larger
		over = "two thirds of CLAWGATE_BUFFER_MAX_BYTES"
	}
	x.answerError(http.StatusRequestEntityTooLarge, "the answer's tokens are capped here (CLAWGATE_MAX_TOKENS), and a body over "+over+" is not read for that")
}
