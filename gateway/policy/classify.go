// Package policy decides which requests the door lets through, and what of
// their bodies. It is pure: it reads what it is given and touches no network.
//
// Everything that is not known is refused: a new release of Ollama may add a
// route that deletes or fetches, and nobody must find it open.
package policy

import (
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Class is what a request may do, and so what it needs leave for.
type Class string

// The classes, as CLAWGATE_GATEWAY_ALLOW names them.
const (
	Inference Class = "inference" // makes a model work
	Inspect   Class = "inspect"   // looks, and changes nothing
	Manage    Class = "manage"    // fetches, changes, deletes or unloads models
	Remote    Class = "remote"    // asks a model that another machine runs; inference beside that
)

// table has the routes that are fixed: class by path and method.
var table = map[string]map[string]Class{
	"/":            {http.MethodGet: Inspect, http.MethodHead: Inspect},
	"/api/version": {http.MethodGet: Inspect, http.MethodHead: Inspect},
	"/api/tags":    {http.MethodGet: Inspect, http.MethodHead: Inspect},
	"/api/ps":      {http.MethodGet: Inspect},
	"/api/show":    {http.MethodPost: Inspect},
	"/v1/models":   {http.MethodGet: Inspect},

	"/api/chat":                 {http.MethodPost: Inference},
	"/api/generate":             {http.MethodPost: Inference},
	"/api/embed":                {http.MethodPost: Inference},
	"/api/embeddings":           {http.MethodPost: Inference},
	"/v1/chat/completions":      {http.MethodPost: Inference},
	"/v1/completions":           {http.MethodPost: Inference},
	"/v1/embeddings":            {http.MethodPost: Inference},
	"/v1/responses":             {http.MethodPost: Inference},
	"/v1/messages":              {http.MethodPost: Inference},
	"/v1/messages/count_tokens": {http.MethodPost: Inference},
	"/v1/images/generations":    {http.MethodPost: Inference},
	"/v1/images/edits":          {http.MethodPost: Inference},
	"/v1/audio/transcriptions":  {http.MethodPost: Inference},

	"/api/pull":   {http.MethodPost: Manage},
	"/api/push":   {http.MethodPost: Manage},
	"/api/create": {http.MethodPost: Manage},
	"/api/copy":   {http.MethodPost: Manage},
	"/api/delete": {http.MethodDelete: Manage},
}

// named has the routes that end in a name: of at most so many segments.
var named = []struct {
	prefix   string
	segments int
	methods  map[string]Class
}{
	{"/v1/models/", 2, map[string]Class{http.MethodGet: Inspect}}, // namespace/name
	{"/api/blobs/", 1, map[string]Class{http.MethodHead: Manage, http.MethodPost: Manage}},
}

// Classify tells the class of a request from its method and its decoded path
// (URL.Path), and whether it is known at all.
//
// It decides on the cleaned path, and clean is that path: it must be what is
// sent on, with an empty RawPath, so that what was decided is what Ollama sees.
// The case counts, as it does for Ollama's router. Where known is false, clean
// may hold anything and is good for nothing but a quoted log entry.
func Classify(method, urlPath string) (class Class, clean string, known bool) {
	clean = path.Clean("/" + urlPath)
	if !plain(urlPath) {
		return "", clean, false
	}
	class, known = methodsOf(clean)[method]
	return class, clean, known
}

// methodsOf gives the methods that a clean path is known with; nil for none.
func methodsOf(clean string) map[string]Class {
	for _, route := range named {
		if name, under := strings.CutPrefix(clean, route.prefix); under {
			if strings.Count(name, "/") < route.segments {
				return route.methods
			}
			return nil
		}
	}
	return table[clean]
}

// plain refuses what hops between here and Ollama might read differently.
func plain(urlPath string) bool {
	return utf8.ValidString(urlPath) && !strings.ContainsFunc(urlPath, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	})
}
