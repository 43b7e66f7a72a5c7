package gateway

import (
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/gateway/access"
	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/hop"
	"github.com/clawdbot/clawgate/sidecar/ollama"
)

// visit is one request at the door, and what is noted of it.
type visit struct {
	gateway *Gateway
	request *http.Request
	arrived time.Time
	id      string
	client  netip.Addr
	key     string // name; empty until it is known
	route   ollama.Route
	method  string
	result  forward.Result
}

// ServeHTTP answers one request. It panics with http.ErrAbortHandler to abort
// the connection of an answer that was cut, so that it never looks complete.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	limitUnreadBody(w, request)
	limitOwnAnswer(w)
	trusted := g.hosts.Trust(request)
	if trusted && g.serveOwn(w, request) {
		return
	}
	v := &visit{
		gateway: g, request: request, arrived: time.Now(), id: hop.RequestID(request.Header.Get("X-Request-Id")),
		client: access.ClientAddress(request, g.config.TrustedProxies),
		route:  ollama.RouteOf(request.Method, request.URL.Path), method: request.Method,
	}
	w.Header().Set("X-Request-Id", v.id)
	defer v.conclude(request.Context())
	if !trusted {
		v.refuse(w, unknownHost)
		return
	}
	if g.cors.Handle(w, request) {
		v.result.Status = http.StatusNoContent
		return
	}
	ask, refusal := v.admit()
	if refusal != nil {
		v.refuse(w, refusal)
		return
	}
	g.forwarder.Serve(w, request, ask, &v.result)
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

// admit decides whether the request may go on. The body is looked at later.
func (v *visit) admit() (forward.Ask, *forward.Refusal) {
	g := v.gateway
	if g.cors.Foreign(v.request) {
		return forward.Ask{}, &forward.Refusal{
			Status: http.StatusForbidden, Reason: "origin",
			Sentence: "web pages of this origin may not call: add it to CLAWGATE_GATEWAY_CORS_ORIGINS",
		}
	}
	name, known := g.keys.Identify(v.request.Header)
	if !known {
		return forward.Ask{}, &forward.Refusal{
			Status: http.StatusUnauthorized, Reason: "key",
			Sentence: "this gateway needs a key: send it as Authorization: Bearer <key>, or as X-API-Key",
		}
	}
	v.key = name
	class, clean, ok := policy.Classify(v.request.Method, v.request.URL.Path)
	if !ok {
		return forward.Ask{}, &forward.Refusal{
			Status: http.StatusForbidden, Reason: "unknown_path",
			Sentence: "this path and method are none that the gateway knows of Ollama's, so no setting opens them",
		}
	}
	v.route = ollama.RouteOf(v.request.Method, clean)
	if !g.allows(class) {
		return forward.Ask{}, notAllowed(class)
	}
	if name, is := strings.CutPrefix(clean, "/v1/models/"); is && ollama.Remote(name) && !g.allows(policy.Remote) {
		return forward.Ask{}, remoteNotAllowed()
	}
	fairness := name
	if g.keys.Open() {
		fairness = access.AddressID(v.client)
	}
	if wait, ok := g.limiter.Allow(fairness, v.arrived); !ok {
		return forward.Ask{}, &forward.Refusal{
			Status: http.StatusTooManyRequests, Reason: "rate_limit", RetryAfter: wait,
			Sentence: "too many requests with this key; see Retry-After",
		}
	}
	return forward.Ask{
		Path: clean, Route: v.route, Inference: class == policy.Inference, Fairness: fairness, Client: v.client.String(), ID: v.id,
		Inspect: g.inspects(class, v.route),
		Streams: strings.HasPrefix(clean, "/api/blobs/"),
	}, nil
}

func (v *visit) refuse(w http.ResponseWriter, why *forward.Refusal) {
	if why.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="clawgate"`)
	}
	v.result.Status, v.result.Refused = why.Status, why.Reason
	answer := func() {
		v.result.Bytes = int64(forward.Refuse(w, v.route, why))
		v.result.Took = time.Since(v.arrived)
	}
	if v.request.ContentLength != 0 {
		w.Header().Set("Connection", "close") // after some of what nobody wants
	}
	if length := v.request.ContentLength; length < 0 || length > hop.ServerReads {
		hop.AnswerUnread(w, v.request, unreadBody, answer)
		return
	}
	answer()
}

// serveOwn answers what is never forwarded: the whole of /-/, the chat page,
// and a browser that opens the root.
func (g *Gateway) serveOwn(w http.ResponseWriter, request *http.Request) bool {
	clean := path.Clean("/" + request.URL.Path)
	switch {
	case clean == "/-/ready" && (request.Method == http.MethodGet || request.Method == http.MethodHead):
		g.cors.Handle(w, request)
		g.serveReady(w, request.URL.Query().Get("model"))
	case clean == "/-" || strings.HasPrefix(clean, "/-/"):
		forward.Refuse(w, ollama.Route{}, &forward.Refusal{Status: http.StatusNotFound, Sentence: "there is nothing here but GET /-/ready"})
	case g.page == nil:
		return false
	case clean == "/ui" || strings.HasPrefix(clean, "/ui/"):
		g.page.ServeHTTP(w, request)
	case clean == "/" && request.Method == http.MethodGet && strings.Contains(request.Header.Get("Accept"), "text/html"):
		http.Redirect(w, request, "/ui/", http.StatusFound)
	default:
		return false
	}
	return true
}
