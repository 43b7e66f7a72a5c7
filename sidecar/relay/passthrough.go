package relay

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// smallBody is the largest body of what is not inference that is read before it
// is passed on, in bytes. All but uploads are far smaller.
const smallBody = 64 << 10

// pass forwards what is not inference, whatever the gate says.
func (x *exchange) pass() {
	if changes[x.route.Name] {
		x.relay.config.Runners.Changed(time.Now())
		defer func() {
			x.relay.config.Runners.Changed(time.Now())
			x.relay.config.Relist()
		}()
	}
	if x.peek.Purpose == ollama.Unload {
		is, _ := x.relay.models.Load().of(x.peek.Model)
		x.relay.forgetRunnerOptions(is)
		told := x.relay.config.Runners.Unloading(is.Title, time.Now())
		defer func() { told(time.Now(), x.status != http.StatusNotFound) }()
	} else if length := x.request.ContentLength; length > 0 && length <= smallBody && !x.fillBody() {
		return
	}
	if !x.body.Whole && x.body.Rest == nil && x.request.ContentLength != 0 {
		x.uploaded = &upload{body: x.request.Body}
		x.body.Rest, x.body.Limit = x.uploaded, x.limitReading
		x.limitReading(proxy.BodyIdleTimeout) // also where Ollama answers without reading it
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
	whole, ended := false, func() {}
	defer func() {
		if !whole && x.status != 0 { // the proxy is aborting an answer that was cut
			x.endCut(nil)
		}
	}()
	x.relay.passThrough.ServeHTTP(statusWriter{x, &ended}, x.request)
	whole = true
	ended()
}

// upload is a body that is passed on as it comes. It keeps why it ended, which
// the transport's error does not always tell: a deadline ends the request's
// context, too.
type upload struct {
	body io.Reader
	err  atomic.Pointer[error]
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.body.Read(p)
	if err != nil {
		u.err.Store(&err)
	}
	return n, err
}

// failure is why the body ended early; u is nil where that was not looked at.
func (u *upload) failure() error {
	if u != nil {
		if err := u.err.Load(); err != nil {
			return *err
		}
	}
	return io.ErrUnexpectedEOF
}

// changes are the calls after which a name may stand for other weights.
var changes = map[string]bool{"/api/create": true, "/api/copy": true, "/api/delete": true, "/api/pull": true}

// newPassThrough is the plain way through. It keeps upgrades and trailers, and
// flushes at every chunk of an answer without a length.
func (r *Relay) newPassThrough() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:  r.config.Transport,
		BufferPool: proxy.LargePieces{Pieces: &r.pieces},
		ErrorLog:   log.New(io.Discard, "", 0), // what it would say is in the answer
		Rewrite: func(proxied *httputil.ProxyRequest) {
			proxied.Out.URL = upstreamURL(r.config.Upstream, proxied.In.URL)
			proxied.Out.Host = ""
			proxied.Out.Header["X-Forwarded-For"] = proxied.In.Header["X-Forwarded-For"]
		},
		ModifyResponse: func(answer *http.Response) error {
			proxy.RemoveOwn(answer.Header)
			delete(answer.Header, wire.RequestIDHeader)
			return nil
		},
		ErrorHandler: r.passFailed,
	}
}

// passFailed refuses what Ollama did not answer, as any other request: it may
// be sent again later.
func (r *Relay) passFailed(w http.ResponseWriter, _ *http.Request, err error) {
	x := w.(statusWriter).x // as pass gave it
	switch {
	case x.body.Broken.Load():
		x.badBody(x.uploaded.failure())
	case x.gone() || errors.Is(err, context.Canceled):
	case errors.Is(err, proxy.ErrNoAnswer):
		x.noAnswer()
	default:
		x.upstreamFailed("Ollama does not answer")
	}
}

// statusWriter notes the status that was answered, and how to end the answer. Its
// own way of flushing and upgrading is the writer's, through Unwrap.
type statusWriter struct {
	x     *exchange
	ended *func()
}

func (s statusWriter) Unwrap() http.ResponseWriter { return s.x.writer }
func (s statusWriter) Header() http.Header         { return s.x.writer.Header() }

func (s statusWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols { // the others are not the last
		s.x.status = status
		s.x.guest.Settle()
		*s.ended = proxy.ResetUntil(s.x.request, s.Header())
		s.x.body.EndConnection(s.Header())
	}
	s.x.writer.WriteHeader(status)
}

func (s statusWriter) Write(piece []byte) (int, error) {
	if s.x.status == 0 {
		s.x.status = http.StatusOK
	}
	s.x.guest.Expect(proxy.CrowdedTimeout)
	defer s.x.guest.Expect(0)
	return s.x.writer.Write(piece)
}
