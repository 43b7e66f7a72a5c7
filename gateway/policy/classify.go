// Package policy decides which requests the door lets through, and what of
// their bodies. It is pure: it reads what it is given and touches no network.
//
// What is not known goes no further: a new release of Ollama may add a
// route that deletes or fetches, and nobody must find it open.
package policy

import (
	"maps"
	"net/http"
	"path"
	"slices"
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
var named = []namedRoute{
	{"/v1/models/", 2, map[string]Class{http.MethodGet: Inspect}}, // namespace/name
	{"/api/blobs/", 1, map[string]Class{http.MethodHead: Manage, http.MethodPost: Manage}},
}

// Endpoint is a path of Ollama's that is known here.
type Endpoint struct {
	// Path is clean: it must be what is sent on, with an empty RawPath, so that
	// what was decided about is what Ollama sees.
	Path    string
	methods map[string]Class
}

// Find tells which endpoint a decoded path (URL.Path) names, and whether it is
// one at all. The case counts, as it does for Ollama's router.
func Find(urlPath string) (Endpoint, bool) {
	if !plain(urlPath) {
		return Endpoint{}, false
	}
	clean := path.Clean("/" + urlPath)
	methods := methodsOf(clean)
	return Endpoint{clean, methods}, methods != nil
}

// Class tells the class of a request with that method, and whether the endpoint
// has the method at all.
func (e Endpoint) Class(method string) (Class, bool) {
	class, known := e.methods[method]
	return class, known
}

// Allow lists the endpoint's methods as the header of that name does.
func (e Endpoint) Allow() string {
	return strings.Join(slices.Sorted(maps.Keys(e.methods)), ", ")
}

// Covers says that an endpoint has this path or lies below it.
func Covers(clean string) bool {
	if methodsOf(clean) != nil {
		return true
	}
	below := func(known string) bool { return strings.HasPrefix(known, clean+"/") }
	return slices.ContainsFunc(slices.Collect(maps.Keys(table)), below) ||
		slices.ContainsFunc(named, func(route namedRoute) bool { return below(route.prefix) })
}

type namedRoute struct {
	prefix   string
	segments int
	methods  map[string]Class
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
