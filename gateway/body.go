package gateway

import (
	"net/http"

	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/members"
	"github.com/clawdbot/clawgate/ollama"
)

func (g *Gateway) allows(class ollama.Class) bool { return g.config.Allow.Has(class) }

// inspects says that a request's body is to be checked: it may name a remote model,
// or, in Ollama's own API, say more than what the model is asked.
func (g *Gateway) inspects(class ollama.Class, route ollama.Route) bool {
	if class != ollama.Inference && route.Name != "/api/show" {
		return false
	}
	native := route.API == ollama.Native && class == ollama.Inference
	return !g.allows(policy.Remote) || native && (g.config.PinOptions || !g.allows(ollama.Manage))
}

// checkBody decides about the body of a request that inspects told.
func (g *Gateway) checkBody(request *http.Request, route ollama.Route, peek ollama.Peek, body []byte) ([]byte, members.Insertion, *forward.Refusal) {
	if refusal := g.checkRemote(request, peek, body); refusal != nil {
		return nil, members.Insertion{}, refusal
	}
	if route.API != ollama.Native || !route.Inference {
		return body, members.Insertion{}, nil
	}
	treatment := policy.Leave
	if !g.allows(ollama.Manage) {
		main, least := g.pool.KeepAlive(peek.Model)
		treatment = policy.OfKeepAlive(peek.KeepAlive, main || peek.Opaque, least)
	}
	if treatment == policy.Refuse {
		return nil, members.Insertion{}, &forward.Refusal{
			Status: http.StatusForbidden, Reason: "not_allowed",
			Sentence: "a keep_alive of 0 unloads the model for everybody, which is of the class manage: leave it out, or add manage to CLAWGATE_GATEWAY_ALLOW",
		}
	}
	var insertion members.Insertion
	removal := policy.Removal{Runner: g.config.PinOptions, KeepAlive: treatment == policy.Drop}
	switch {
	case g.config.PinOptions:
		removal.KeepAlive = !peek.KeepAlive.Brief() // without it an unload would be a load
	case treatment == policy.Raise:
		insertion = peek.Append(`"keep_alive":"` + policy.ShortestKeepAlive.String() + `"`)
	}
	cut, err := removal.From(body)
	if err != nil {
		return nil, members.Insertion{}, &forward.Refusal{Status: http.StatusBadRequest, Reason: "bad_body", Sentence: err.Error()}
	}
	return cut, insertion, nil
}

// checkRemote refuses a remote model, unless it may be asked.
func (g *Gateway) checkRemote(request *http.Request, peek ollama.Peek, body []byte) *forward.Refusal {
	if g.allows(policy.Remote) {
		return nil
	}
	remote := peek.Remote
	if peek.Opaque && !peek.IsObject() { // a form, on a route that may take one
		var err error
		if remote, err = policy.RemoteForm(request.Header.Get("Content-Type"), request.URL.Query(), body); err != nil {
			return &forward.Refusal{Status: http.StatusUnsupportedMediaType, Reason: "bad_body", Sentence: "the model that this asks for cannot be found out: " + err.Error()}
		}
	}
	if remote {
		return remoteNotAllowed()
	}
	return nil
}

func notAllowed(class ollama.Class) *forward.Refusal {
	return &forward.Refusal{
		Status: http.StatusForbidden, Reason: "not_allowed",
		Sentence: "this is of the class " + string(class) + ", which is not open here: add it to CLAWGATE_GATEWAY_ALLOW",
	}
}

func remoteNotAllowed() *forward.Refusal {
	return &forward.Refusal{
		Status: http.StatusForbidden, Reason: "not_allowed",
		Sentence: "remote models (with a tag of cloud, or one that ends in -cloud) run on another machine, on the account of this server's owner, which is of the class remote: add remote to CLAWGATE_GATEWAY_ALLOW",
	}
}
