package access

import (
	"net/http"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/gateway/origins"
)

const (
	corsMethods = "GET, HEAD, POST, DELETE"
	corsExposed = "Retry-After, Retry-After-Ms, Clawgate-State, X-Request-Id"
	// corsMaxAge is how many seconds a browser need not ask again.
	corsMaxAge = "600"
	// maxCORSHeaders bounds what one request can make us write.
	maxCORSHeaders = 64
)

var corsHeaders = []string{"Authorization", "Content-Type", "X-API-Key", "Prefer", "X-Request-Id"}

// CORS lets web pages of other origins call. The zero CORS lets only desktop apps
// do so, see package origins. Credentials of the browser's own are never allowed: a
// page must know a key. Access-Control-* headers from upstream must be dropped.
type CORS struct{ allowed origins.List }

// NewCORS lets those origins call, too.
func NewCORS(allowed origins.List) CORS { return CORS{allowed} }

// Handle sets what the answer to r must say for the browser to hand it on. It
// answers the browser's own question beforehand (a preflight) itself, and is
// done then. That question carries no key, so it must come before Identify.
func (c CORS) Handle(w http.ResponseWriter, r *http.Request) (done bool) {
	answer := w.Header()
	answer.Add("Vary", "Origin") // also without an origin: a cache must not mix them
	origin := r.Header.Get("Origin")
	if origin == "" || !c.allowed.Lets(origin) {
		return false
	}
	answer.Set("Access-Control-Allow-Origin", origin)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		answer.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	answer.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	answer.Set("Access-Control-Allow-Methods", corsMethods)
	answer.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Values("Access-Control-Request-Headers")))
	answer.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allowedHeaders are ours and those that the page asks for: the clients'
// libraries send many of their own (x-stainless-*, anthropic-version), and none
// means anything here. What is no plain name is not repeated.
func allowedHeaders(asked []string) string {
	allowed := slices.Clone(corsHeaders)
	for name := range strings.SplitSeq(strings.Join(asked, ","), ",") {
		name = strings.TrimSpace(name)
		known := slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) })
		if isToken(name) && !known && len(allowed) < maxCORSHeaders {
			allowed = append(allowed, name)
		}
	}
	return strings.Join(allowed, ", ")
}

// isToken says whether name is a header's name that needs no thought: letters,
// digits, hyphen and underscore.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// Foreign says that the request comes from a web page of another origin that
// may not call. A page can send simple requests without asking beforehand, so
// not to answer in a way that it can read is not enough. Ollama checks the same,
// but sees only the gateway's address.
func (c CORS) Foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && !c.allowed.Lets(origin) && !own(origin, r)
}

// Stray says that the request comes from a web page that nobody has named: it may
// call where every page may. What a browser sends by itself is no sign there that
// the page knows a key.
func (c CORS) Stray(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && !c.allowed.Names(origin) && !own(origin, r)
}

// own says that the page is the gateway's own.
func own(origin string, r *http.Request) bool {
	_, host, found := strings.Cut(origin, "://")
	return found && strings.EqualFold(host, r.Host)
}
