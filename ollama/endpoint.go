package ollama

import (
	"net/http"
	"strings"
)

// Class is what an endpoint is for, as CLAWGATE_GATEWAY_ALLOW names it.
type Class string

const (
	Inference Class = "inference" // makes a model work
	Inspect   Class = "inspect"   // looks, and changes nothing
	Manage    Class = "manage"    // fetches, changes, deletes or unloads models
)

// Endpoint is a path that some release of Ollama answers.
type Endpoint struct {
	// Path ends in a slash where the name of something follows.
	Path string
	// Segments is how many segments that name may have; 0 where none follows.
	segments int
	Class    Class
	Methods  []string // sorted
	// StreamsByDefault says what an absent "stream" in the body means.
	streamsByDefault bool
	// Embedding says that the answer is vectors and never a stream.
	embedding bool

	name string // in metrics, where it is not the path's
}

// endpoints is the one table of them.
var endpoints = []Endpoint{
	{Path: "/", Class: Inspect, Methods: look},
	{Path: "/api/version", Class: Inspect, Methods: look},
	{Path: "/api/tags", Class: Inspect, Methods: look},
	{Path: "/api/ps", Class: Inspect, Methods: get},
	{Path: "/api/show", Class: Inspect, Methods: post},
	{Path: "/v1/models", Class: Inspect, Methods: get},
	{Path: "/v1/models/", segments: 2, Class: Inspect, Methods: get}, // namespace/name

	{Path: "/api/chat", Class: Inference, Methods: post, streamsByDefault: true},
	{Path: "/api/generate", Class: Inference, Methods: post, streamsByDefault: true},
	{Path: "/api/embed", Class: Inference, Methods: post, embedding: true},
	{Path: "/api/embeddings", Class: Inference, Methods: post, embedding: true},
	{Path: "/v1/chat/completions", Class: Inference, Methods: post},
	{Path: "/v1/completions", Class: Inference, Methods: post},
	{Path: "/v1/embeddings", Class: Inference, Methods: post, embedding: true},
	{Path: "/v1/responses", Class: Inference, Methods: post},
	{Path: "/v1/messages", Class: Inference, Methods: post},
	{Path: "/v1/messages/count_tokens", Class: Inference, Methods: post, name: otherOpenAI},
	{Path: "/v1/images/generations", Class: Inference, Methods: post, name: otherOpenAI},
	{Path: "/v1/images/edits", Class: Inference, Methods: post, name: otherOpenAI},
	{Path: "/v1/audio/transcriptions", Class: Inference, Methods: post, name: otherOpenAI},

	{Path: "/api/pull", Class: Manage, Methods: post},
	{Path: "/api/push", Class: Manage, Methods: post},
	{Path: "/api/create", Class: Manage, Methods: post},
	{Path: "/api/copy", Class: Manage, Methods: post},
	{Path: "/api/delete", Class: Manage, Methods: []string{http.MethodDelete}},
	{Path: "/api/blobs/", segments: 1, Class: Manage, Methods: []string{http.MethodHead, http.MethodPost}},
}

var (
	get  = []string{http.MethodGet}
	look = []string{http.MethodGet, http.MethodHead}
	post = []string{http.MethodPost}
)

// Endpoints are all that are known here. Nobody may change them.
func Endpoints() []Endpoint { return endpoints }

// At says that a clean path is the endpoint's, with a name behind it where it
// takes one. The case counts, as it does for Ollama's router.
func (e Endpoint) At(clean string) bool {
	if e.segments == 0 {
		return clean == e.Path
	}
	name, below := strings.CutPrefix(clean, e.Path)
	return below && strings.Count(name, "/") < e.segments
}

// Name is a bounded label for metrics.
func (e Endpoint) Name() string {
	switch {
	case e.name != "":
		return e.name
	case e.segments > 0:
		return strings.TrimSuffix(e.Path, "/")
	}
	return e.Path
}
