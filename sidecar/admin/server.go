package admin

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 12 << 10 // net/http reads 4 KiB more
)

// NewServer returns a server for handler with limits that suit streams; the
// relay may use it too. The caller starts it and shuts it down.
//
// There is no WriteTimeout: an answer takes as long as the model generates. And
// there is no ReadTimeout: it would count for the whole body, and a model that
// is pushed through the relay is gigabytes. Headers and idle connections are
// limited.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
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
