// Package policy decides which requests the door lets through, and what of
// their bodies. It is pure: it reads what it is given and touches no network.
//
// What is not known goes no further: a new release of Ollama may add a
// route that deletes or fetches, and nobody must find it open.
package policy

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clawdbot/clawgate/ollama"
)

// Remote is the class of what asks a model that another machine runs, beside that
// of its endpoint. The other classes are [ollama.Class]'s.
const Remote ollama.Class = "remote"

// Endpoint is a path of Ollama's that is known here.
type Endpoint struct {
	// Path is clean: it must be what is sent on, with an empty RawPath, so that
	// what was decided about is what Ollama sees.
	Path  string
	known ollama.Endpoint
}

// Find tells which endpoint a decoded path (URL.Path) names, and whether it is
// one at all.
func Find(urlPath string) (Endpoint, bool) {
	if !plain(urlPath) {
		return Endpoint{}, false
	}
	clean := path.Clean("/" + urlPath)
	for _, known := range ollama.Endpoints() {
		if known.At(clean) {
			return Endpoint{clean, known}, true
		}
	}
	return Endpoint{Path: clean}, false
}

// Class tells the class of a request with that method, and whether the endpoint
// has the method at all.
func (e Endpoint) Class(method string) (ollama.Class, bool) {
	if !slices.Contains(e.known.Methods, method) {
		return "", false
	}
	return e.known.Class, true
}

// Allow lists the endpoint's methods as the header of that name does.
func (e Endpoint) Allow() string { return strings.Join(e.known.Methods, ", ") }

// Covers says that an endpoint has this path or lies below it.
func Covers(clean string) bool {
	return slices.ContainsFunc(ollama.Endpoints(), func(known ollama.Endpoint) bool {
		return known.At(clean) || strings.HasPrefix(known.Path, clean+"/")
	})
}

// plain refuses what hops between here and Ollama might read differently.
func plain(urlPath string) bool {
	return utf8.ValidString(urlPath) && !strings.ContainsFunc(urlPath, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	})
}
