package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/gateway/access"
	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/guesses"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

// checks are made in this order, and the first that refuses answers. The body is
// looked at later.
var checks = []func(*visit) *forward.Refusal{
	(*visit).checkOrigin, // 403
	(*visit).checkKey,    // 401, or 429 to who guesses
	(*visit).checkPath,   // 404
	(*visit).checkMethod, // 405
	(*visit).checkClass,  // 403
	(*visit).checkRate,   // 429
}

func (v *visit) checkOrigin() *forward.Refusal {
	if !v.gateway.cors.Foreign(v.request) {
		return nil
	}
	return &forward.Refusal{
		Status: http.StatusForbidden, Reason: "origin",
		Sentence: "web pages of this origin may not call: add it to CLAWGATE_GATEWAY_CORS_ORIGINS",
	}
}

// checkKey finds out who asks. Whoever has a key is never slowed; whoever has
// something else that is none guesses, and is answered the later the more often its
// address does. Whoever has nothing does not guess.
func (v *visit) checkKey() *forward.Refusal {
	g := v.gateway
	secrets := access.Secrets(v.request.Header, !g.cors.Stray(v.request))
	if v.prefix.key != "" {
		secrets = append(secrets, v.prefix.key)
	}
	name, known := g.keys.Identify(secrets)
	switch {
	case known:
		v.key = name
		return nil
	case len(secrets) > 0 && !g.guesses.Wrong(v.request.Context(), v.client):
		v.unlogged = true // a flood would fill the disk
		return &forward.Refusal{
			Status: http.StatusTooManyRequests, Reason: "guesses", RetryAfter: guesses.RetryAfter,
			Sentence: "too many requests with a wrong key from this address; the right one is taken at any time",
		}
	}
	sentence := "this gateway needs a key: send it as Authorization: Bearer <key>, or as X-API-Key"
	if g.config.KeyInPath {
		sentence += ", or begin the path with /key/<key>"
	}
	return &forward.Refusal{Status: http.StatusUnauthorized, Reason: "key", Sentence: sentence}
}

// checkPath does not name the path: what is not known may hold a key.
func (v *visit) checkPath() *forward.Refusal {
	var known bool
	if v.endpoint, known = policy.Find(v.request.URL.Path); known {
		v.route = ollama.RouteOf(v.request.Method, v.endpoint.Path)
		return nil
	}
	return &forward.Refusal{
		Status: http.StatusNotFound, Reason: "unknown_path",
		Sentence: "this path is none that the gateway knows of Ollama's; those begin with /api or, for clients of OpenAI and Anthropic, with /v1",
	}
}

func (v *visit) checkMethod() *forward.Refusal {
	var known bool
	if v.class, known = v.endpoint.Class(v.request.Method); known {
		return nil
	}
	return &forward.Refusal{
		Status: http.StatusMethodNotAllowed, Reason: "method",
		Sentence: "the method of a request to this path is one of " + v.endpoint.Allow(),
	}
}

func (v *visit) checkClass() *forward.Refusal {
	if !v.gateway.allows(v.class) {
		return notAllowed(v.class)
	}
	if name, is := strings.CutPrefix(v.endpoint.Path, "/v1/models/"); is && ollama.Remote(name) && !v.gateway.allows(policy.Remote) {
		return remoteNotAllowed()
	}
	return nil
}

func (v *visit) checkRate() *forward.Refusal {
	wait, ok := v.gateway.limiter.Allow(v.fairness(), v.arrived)
	if ok {
		return nil
	}
	return &forward.Refusal{
		Status: http.StatusTooManyRequests, Reason: "rate_limit", RetryAfter: wait,
		Sentence: "too many requests with this key; see Retry-After",
	}
}

// fairness is who the request counts to: its key or, where there are none, its
// address.
func (v *visit) fairness() string {
	if v.gateway.keys.Open() {
		return access.AddressID(v.client)
	}
	return v.key
}

// ask is what was found out, once all is checked.
func (v *visit) ask() forward.Ask {
	return forward.Ask{
		Path: v.endpoint.Path, Asked: v.prefix.rest, Route: v.route, Inference: v.class == ollama.Inference,
		Fairness: v.fairness(), Client: v.client.String(), ID: v.id,
		Inspect: v.gateway.inspects(v.class, v.route),
		Streams: strings.HasPrefix(v.endpoint.Path, "/api/blobs/"),
	}
}

func (v *visit) refuse(w http.ResponseWriter, why *forward.Refusal) {
	switch why.Status {
	case http.StatusUnauthorized: // not Basic: a browser would ask, and send it by itself from then on
		w.Header().Set("WWW-Authenticate", `Bearer realm="clawgate"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", v.endpoint.Allow())
	}
	v.result.Status, v.result.Refused = why.Status, why.Reason
	answer := func() {
		v.result.Bytes = int64(forward.Refuse(w, v.route, why))
		v.result.Took = time.Since(v.arrived)
	}
	length := v.request.ContentLength
	if length != 0 {
		w.Header().Set("Connection", "close") // after some of what nobody wants
	}
	if length < 0 || length > proxy.ServerReads {
		proxy.AnswerUnread(w, v.request, unreadBody, answer)
		return
	}
	answer()
}
