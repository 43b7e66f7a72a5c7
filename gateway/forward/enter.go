package forward

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/crowd"
)

// enter takes the request in hand, if there is room for it. It is false when
// there is none, and the client has been told.
func (x *exchange) enter(request *http.Request) bool {
	ctx, leave := context.WithCancelCause(request.Context())
	x.request, x.leave = request.WithContext(ctx), leave
	guest, err := x.forwarder.room.Enter(x.request, x.ask.Fairness, x.evict)
	x.guest = guest
	switch {
	case errors.Is(err, crowd.ErrFields):
		x.refuseUnread(&Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "header", Sentence: err.Error()})
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

// crowded refuses what there is no room for.
func (x *exchange) crowded() {
	x.refuseUnread(&Refusal{
		Status: http.StatusServiceUnavailable, Reason: "crowded", RetryAfter: 5 * time.Second,
		Sentence: "too many requests at once; try again in a few seconds",
	})
}

// refusalTime is how long the rest of a body is read that is refused unread: a
// client whose connection is closed over what it has sent may not see why.
const refusalTime = 500 * time.Millisecond

// refuseUnread ends the connection with the refusal, which must not cost more.
func (x *exchange) refuseUnread(why *Refusal) {
	x.writer.Header().Set("Connection", "close")
	x.refuse(why)
	x.limitReading(refusalTime)
}
