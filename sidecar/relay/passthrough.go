package relay

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/clawdbot/clawgate/hop"
	"github.com/clawdbot/clawgate/sidecar/ollama"
)

// smallBody is the largest body of what is not inference that is read before it
// is passed on, in bytes. All but uploads are far smaller.
const smallBody = 64 << 10

// pass forwards what is not inference, whatever the gate says.
func (x *exchange) pass() {
	if changes[x.route.Name] {
		x.relay.config.Runners.Changed(time.Now())
		defer func() { x.relay.config.Runners.Changed(time.Now()) }()
	}
	if x.peek.Purpose == ollama.Unload {
		x.relay.ForgetRunnerOptions(x.peek.Model)
		x.relay.config.Runners.Unloaded(x.peek.Model)
	} else if length := x.request.ContentLength; length > 0 && length <= smallBody && !x.fillBody() {
		return
	}
	if x.body.Whole || x.body.Rest != nil {
		x.request.Body = x.body.Reader()
	}
	if !x.body.Whole {
		// Ollama may answer before it has read the body; without this the server
		// closes the body then, and the transport cuts the answer. With it the
		// server closes the connection of a client whose body nobody has read.
		_ = x.control.EnableFullDuplex()
	}
	whole := false
	defer func() {
		if !whole && x.status != 0 { // the proxy is aborting an answer that was cut
			x.endCut(nil)
		}
	}()
	x.relay.passThrough.ServeHTTP(statusWriter{x}, x.request)
	whole = true
}

// changes are the calls after which a name may stand for other weights.
var changes = map[string]bool{"/api/create": true, "/api/copy": true, "/api/delete": true, "/api/pull": true}

// newPassThrough is the plain way through. It keeps upgrades and trailers, and
// flushes at every chunk of an answer without a length.
func (r *Relay) newPassThrough() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:  r.config.Transport,
		BufferPool: hop.LargePieces{Pieces: &r.pieces},
		ErrorLog:   log.New(io.Discard, "", 0), // what it would say is in the answer
		Rewrite: func(proxied *httputil.ProxyRequest) {
			proxied.Out.URL = upstreamURL(r.config.Upstream, proxied.In.URL)
			proxied.Out.Host = ""
			proxied.Out.Header["X-Forwarded-For"] = proxied.In.Header["X-Forwarded-For"]
		},
		ModifyResponse: func(answer *http.Response) error {
			hop.RemoveOwn(answer.Header)
			delete(answer.Header, requestIDHeader)
			return nil
		},
		ErrorHandler: r.passFailed,
	}
}

// passFailed refuses what Ollama did not answer, as any other request: it may
// be sent again later.
func (r *Relay) passFailed(w http.ResponseWriter, _ *http.Request, err error) {
	x := w.(statusWriter).x // as pass gave it
	if x.gone() || errors.Is(err, context.Canceled) {
		return
	}
	x.upstreamFailed("Ollama does not answer")
}

// statusWriter notes the status that was answered. Its own way of flushing and
// upgrading is the writer's, through Unwrap.
type statusWriter struct{ x *exchange }

func (s statusWriter) Unwrap() http.ResponseWriter { return s.x.writer }
func (s statusWriter) Header() http.Header         { return s.x.writer.Header() }

func (s statusWriter) WriteHeader(status int) {
	s.x.status = status
	s.x.writer.WriteHeader(status)
}

func (s statusWriter) Write(piece []byte) (int, error) {
	if s.x.status == 0 {
		s.x.status = http.StatusOK
	}
	return s.x.writer.Write(piece)
}
