// Package serve runs the HTTP servers of a role: they begin together and end
// together, once those who are being answered have been given their time. It
// knows nothing of what is answered, and opens no listener.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/proxy"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 12 << 10 // net/http reads 4 KiB more
	closeDeadline     = 2 * time.Second
	// AdminConnections are far more than a monitor and a few operators open.
	AdminConnections = 128
)

// New returns a server for handler with limits that suit streams. The caller
// starts it and shuts it down, or has [Until] do both.
//
// There is no WriteTimeout: an answer takes as long as the model generates. And
// there is no ReadTimeout: it would count for the whole body, and a model that
// is pushed is gigabytes. Headers and idle connections are limited.
func New(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       proxy.KeepConnection,
		// What the server says by itself is about broken clients.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Side is a server, what it serves on and for how many. Until closes both.
type Side struct {
	Server   *http.Server
	Listener net.Listener
	Crowd    crowd.Config
}

// Until serves until ctx ends, has drain let answers end, and cuts what is left:
// nothing is served any more when it returns. Where one side fails, the others end
// at once. What drain gets has no deadline and has not ended.
func Until(ctx context.Context, drain func(context.Context), sides ...Side) error {
	ended := make(chan error, len(sides))
	for _, side := range sides {
		go func() { ended <- Ended(crowd.Serve(side.Server, side.Listener, side.Crowd)) }()
	}
	var failed error
	running := len(sides)
	select {
	case <-ctx.Done():
		drain(context.WithoutCancel(ctx))
	case failed = <-ended:
		running--
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancel()
	for _, side := range sides {
		if side.Server.Shutdown(last) != nil {
			failed = errors.Join(failed, side.Server.Close())
		}
	}
	for range running {
		failed = errors.Join(failed, <-ended)
	}
	return failed
}

// Ended turns the end of a server that was asked for into no error.
func Ended(err error) error {
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("cannot serve: %w", err)
}
