package relay

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/wire"
)

// enter takes the request in hand, if there is room for it. It is false when
// there is none, and the client has been told.
func (x *exchange) enter(request *http.Request) bool {
	ctx, leave := context.WithCancelCause(request.Context())
	x.request, x.leave = request.WithContext(ctx), leave
	guest, err := x.relay.room.Enter(x.request, x.key, x.evict)
	x.guest = guest
	switch {
	case errors.Is(err, crowd.ErrFields):
		x.writer.Header().Set("Connection", "close")
		x.answerError(http.StatusRequestHeaderFieldsTooLarge, err.Error())
	case err != nil:
		x.crowded()
	}
	return err == nil
}

// evict has the request end for another's sake. Its goroutine does the rest.
func (x *exchange) evict() {
	x.leave(crowd.ErrFull)
	now := time.Now()
	_ = x.control.SetReadDeadline(now)  // without deadlines the context alone ends it
	_ = x.control.SetWriteDeadline(now) // the same
}

// crowdedFor is about how long it takes until there is room again.
const crowdedFor = 5 * time.Second

// refusalTime is how long the rest of a body is read that is refused unread: a
// client whose connection is closed over what it has sent may not see why.
const refusalTime = 500 * time.Millisecond

// crowded refuses what there is no room for, and ends the connection with it: to
// refuse must not cost more.
func (x *exchange) crowded() {
	x.writer.Header().Set("Connection", "close")
	x.refuse(&refusal{
		reason: wire.Crowded, state: x.relay.admission.state(), estimate: crowdedFor,
		sentence: "too many requests at once; try again in a few seconds",
	})
	x.limitReading(refusalTime)
}
