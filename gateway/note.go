package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// conclude logs the request in one line and counts it, also when its handler
// panics to abort, and then goes on to do so. Nothing of what was asked or
// answered is in the line. It has to be deferred itself.
func (v *visit) conclude(ctx context.Context) {
	problem := recover()
	defer func() {
		if problem != nil {
			panic(http.ErrAbortHandler) // the server ends the connection, and logs nothing
		}
	}()
	if err, is := problem.(error); problem != nil && !(is && errors.Is(err, http.ErrAbortHandler)) {
		v.gateway.log.Error("a request's handler failed", "request_id", v.id, "problem", fmt.Sprint(problem), "stack", string(debug.Stack()))
	}
	took := cmp.Or(v.result.Took, time.Since(v.arrived))
	key := v.key
	if key == "" {
		key = "none"
	}
	v.gateway.metrics.request(v.route.Name, key, took, &v.result)
	if v.unlogged {
		return
	}
	attributes := []slog.Attr{
		slog.String("request_id", v.id), slog.String("client", v.client.String()), slog.String("key", key),
		slog.String("method", v.method), slog.String("route", v.route.Name), slog.Int("status", v.result.Status),
		slog.Int64("bytes", v.result.Bytes), slog.Duration("took", took.Round(time.Microsecond)),
	}
	if v.result.Sidecar != "" {
		attributes = append(attributes, slog.String("sidecar", v.result.Sidecar), slog.Int("attempts", v.result.Attempts))
	}
	if v.result.FirstChunk > 0 {
		attributes = append(attributes, slog.Duration("first_chunk", v.result.FirstChunk.Round(time.Microsecond)))
	}
	if v.result.Held > 0 {
		attributes = append(attributes, slog.Duration("held", v.result.Held.Round(time.Millisecond)))
	}
	if v.result.Refused != "" {
		attributes = append(attributes, slog.String("refused", v.result.Refused))
	}
	if v.result.Cut != "" {
		attributes = append(attributes, slog.String("cut", v.result.Cut))
	}
	v.gateway.log.LogAttrs(ctx, slog.LevelInfo, "request", attributes...)
}
