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

// otherOpenAI is the name of the routes under /v1 that are not known here.
const otherOpenAI = "/v1/other"

var inferenceRoutes = map[string]Route{
	"/api/chat":            {API: Native, StreamsByDefault: true},
	"/api/generate":        {API: Native, StreamsByDefault: true},
	"/api/embed":           {API: Native, Embedding: true},
	"/api/embeddings":      {API: Native, Embedding: true},
	"/v1/chat/completions": {API: OpenAI},
	"/v1/completions":      {API: OpenAI},
	"/v1/embeddings":       {API: OpenAI, Embedding: true},
	"/v1/responses":        {API: OpenAI},
	"/v1/messages":         {API: Anthropic},
}

var otherRoutes = map[string]bool{
	"/": true, "/api/version": true, "/api/tags": true, "/api/ps": true,
	"/api/show": true, "/api/pull": true, "/api/push": true, "/api/create": true,
	"/api/copy": true, "/api/delete": true, "/api/blobs": true, "/v1/models": true,
}

// RouteOf tells what a request is. The path is the decoded one (URL.Path), as
// Ollama's router matches it, so that %2f is a slash here as it is there.
//
// It errs on the side of the gate: a path that some release of Ollama may
// take for inference (another case, doubled or trailing slashes, a POST under
// /v1 that is not known here) is inference, because one that slipped past would
// reach a model that is known to be dead.
func RouteOf(method, urlPath string) Route {
	clean := strings.ToLower(path.Clean("/" + urlPath))
	openAI := strings.HasPrefix(clean, "/v1/")
	if method == http.MethodPost {
		if route, known := inferenceRoutes[clean]; known {
			route.Name, route.Inference = clean, true
			return route
		}
		if openAI && clean != "/v1/models" {
			return Route{Name: otherOpenAI, Inference: true, API: familyOf(clean)}
		}
	}
	return Route{Name: otherName(clean), API: familyOf(clean)}
}

func otherName(clean string) string {
	for _, parent := range []string{"/api/blobs/", "/v1/models/"} {
		if strings.HasPrefix(clean, parent) {
			clean = strings.TrimSuffix(parent, "/")
		}
	}
	_, inference := inferenceRoutes[clean]
	switch {
	case inference || otherRoutes[clean]:
		return clean
	case strings.HasPrefix(clean, "/api/"):
		return "/api/other"
	case strings.HasPrefix(clean, "/v1/"):
		return otherOpenAI
	}
	return "other"
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
