package gateway

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/clawdbot/clawgate/gateway/access"
	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// visit is one request at the door, and what is noted of it.
type visit struct {
	gateway  *Gateway
	request  *http.Request // without what stands before Ollama's own path
	prefix   prefix
	arrived  time.Time
	id       string
	client   netip.Addr
	key      string // name; empty until it is known
	route    ollama.Route
	method   string
	endpoint policy.Endpoint
	class    ollama.Class
	result   forward.Result
	unlogged bool
}

// ServeHTTP answers one request. It panics with http.ErrAbortHandler to abort
// the connection of an answer that was cut, so that it never looks complete.
//
// Nobody without a key learns which paths there are, apart from the gateway's own:
// first what stands before the path is taken off (the base path, then a key), then
// the own paths and the question before a page's call are answered, and then come
// the checks, in their order.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, written *http.Request) {
	limitUnreadBody(w, written)
	limitOwnAnswer(w)
	request, prefix := g.takePrefix(written)
	if prefix.keyed {
		w.Header().Set("Referrer-Policy", "no-referrer")
	}
	trusted := g.hosts.Trust(request)
	if trusted && g.serveOwn(w, request, prefix) {
		return
	}
	v := &visit{
		gateway: g, request: request, prefix: prefix, arrived: time.Now(), id: proxy.RequestID(request.Header.Get(wire.RequestIDHeader)),
		client: access.ClientAddress(request, g.config.TrustedProxies),
		route:  ollama.RouteOf(request.Method, request.URL.Path), method: request.Method,
	}
	w.Header().Set(wire.RequestIDHeader, v.id)
	defer v.conclude(written.Context())
	if !trusted {
		v.refuse(w, unknownHost)
		return
	}
	if g.cors.Handle(w, request) {
		v.result.Status = http.StatusNoContent
		return
	}
	for _, check := range checks {
		if refusal := check(v); refusal != nil {
			v.refuse(w, refusal)
			return
		}
	}
	g.forwarder.Serve(w, request, v.ask(), &v.result)
}

// unreadBody is how long the body of a request may take that is answered
// without it: the server reads on to its end before it answers.
const unreadBody = 5 * time.Second

// limitUnreadBody keeps a client that announces a body and sends none from
// holding its connection. Whoever reads the body sets a limit of its own.
func limitUnreadBody(w http.ResponseWriter, request *http.Request) {
	if request.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadBody)) // a writer without deadlines has none to keep
	}
}

// ownAnswer is how long an answer of the gateway's own may take. None is large.
const ownAnswer = 2 * time.Minute

// limitOwnAnswer keeps a client that reads nothing from holding its connection.
// Package forward limits what it writes itself, and the server clears the limit
// after every request.
func limitOwnAnswer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(ownAnswer)) // a writer without deadlines has none to keep
}
