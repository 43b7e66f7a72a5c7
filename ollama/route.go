package ollama

import (
	"net/http"
	"path"
	"strings"
)

// API is the family that a path belongs to. It decides how errors are written.
type API int

const (
	Native    API = iota // /api: {"error":"…"}
	OpenAI               // /v1: {"error":{"message":…}}
	Anthropic            // /v1/messages: {"type":"error","error":{…}}
)

// Route is what a request's method and path say about it.
type Route struct {
	// Name is a bounded label for metrics: one of the known paths,
	// "/v1/other", "/api/other" or "other".
	Name string
	// Inference says that the request makes a model work: it is gated, queued
	// and counted. All else passes untouched.
	Inference bool
	API       API
	// StreamsByDefault says what an absent "stream" in the body means.
	StreamsByDefault bool
	// Embedding says that the answer is vectors and never a stream.
	Embedding bool
}

// otherOpenAI is the name of the routes under /v1 that have none of their own.
const otherOpenAI = "/v1/other"

// RouteOf tells what a request is. The path is the decoded one (URL.Path), as
// Ollama's router matches it, so that %2f is a slash here as it is there.
//
// It errs on the side of the gate: a path that some release of Ollama may
// take for inference (another case, doubled or trailing slashes, a POST under
// /v1 that is not known here) is inference, because one that slipped past would
// reach a model that is known to be dead.
func RouteOf(method, urlPath string) Route {
	clean := strings.ToLower(path.Clean("/" + urlPath))
	endpoint := endpointOf(clean)
	route := Route{Name: endpoint.Name(), API: familyOf(clean)}
	switch {
	case method != http.MethodPost:
	case endpoint.Class == Inference:
		route.Inference, route.StreamsByDefault, route.Embedding = true, endpoint.streamsByDefault, endpoint.embedding
	case strings.HasPrefix(clean, "/v1/") && clean != "/v1/models":
		route.Name, route.Inference = otherOpenAI, true
	}
	return route
}

// endpointOf finds the endpoint that a clean path is at, or lies below. That of a
// path which is at none has a name and nothing else.
func endpointOf(clean string) Endpoint {
	for _, e := range endpoints {
		if clean == e.Path || e.segments > 0 && strings.HasPrefix(clean+"/", e.Path) {
			return e
		}
	}
	switch {
	case strings.HasPrefix(clean, "/api/"):
		return Endpoint{name: "/api/other"}
	case strings.HasPrefix(clean, "/v1/"):
		return Endpoint{name: otherOpenAI}
	}
	return Endpoint{name: "other"}
}

func familyOf(clean string) API {
	switch {
	case strings.HasPrefix(clean, "/v1/messages"):
		return Anthropic
	case clean == "/v1" || strings.HasPrefix(clean, "/v1/"):
		return OpenAI
	}
	return Native
}
