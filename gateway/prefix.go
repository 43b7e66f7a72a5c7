package gateway

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/clawdbot/clawgate/gateway/forward"
)

// keyRoot is what a path begins with that has a key in it.
const keyRoot = "/key/"

// prefix is what stood before Ollama's own path.
type prefix struct {
	base  string // the base path, if the client's path began with it
	keyed bool   // a segment for a key came next
	key   string // what that segment held
	rest  string // the path behind both, as the client wrote it
}

// takePrefix takes off the base path, which a proxy may have left, and a key. It
// looks at the path as it was written: no other way of writing one is taken for a
// key. The request that it gives has no trace of it.
func (g *Gateway) takePrefix(request *http.Request) (*http.Request, prefix) {
	written := request.URL.EscapedPath()
	p := prefix{rest: written}
	if rest, found := strings.CutPrefix(written, g.config.BasePath.String()); found && (rest == "" || rest[0] == '/') {
		p.base, p.rest = g.config.BasePath.String(), rest
	}
	if rest, found := strings.CutPrefix(p.rest, keyRoot); found && g.config.KeyInPath {
		segment, _, more := strings.Cut(rest, "/")
		p.keyed, p.rest = true, rest[len(segment):]
		if !more {
			p.rest = "/"
		}
		p.key, _ = url.PathUnescape(segment) // the server has unescaped it before
	}
	if p.rest == written {
		return request, p
	}
	bare := *request
	bare.URL = new(url.URL)
	*bare.URL = *request.URL
	bare.URL.RawPath, bare.RequestURI = "", ""
	bare.URL.Path, _ = url.PathUnescape(p.rest) // the same
	return &bare, p
}

// toPage leads a browser to the chat page, as seen from the root.
func (p prefix) toPage() string {
	if p.rest == "" && p.base != "" { // without the slash it is a file to the browser
		return path.Base(p.base) + "/ui/"
	}
	return forward.Relative(p.rest, "/ui/")
}
