package gateway

import (
	"net/http"
	"path"
	"strings"

	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/ollama"
)

// serveOwn answers what is never forwarded: the whole of /-/, the chat page,
// and a browser that opens the root. No page is served under a key: it would stand
// in the browser's history and in what the page refers to.
func (g *Gateway) serveOwn(w http.ResponseWriter, request *http.Request, prefix prefix) bool {
	clean := path.Clean("/" + request.URL.Path)
	switch {
	case clean == "/-/ready":
		g.serveReady(w, request)
	case clean == "/-" || strings.HasPrefix(clean, "/-/"):
		forward.Refuse(w, ollama.Route{}, &forward.Refusal{Status: http.StatusNotFound, Sentence: "there is nothing here but GET /-/ready"})
	case g.page == nil || prefix.keyed:
		return false
	case clean == "/ui" || strings.HasPrefix(clean, "/ui/"):
		g.page.ServeHTTP(w, request)
	case clean == "/" && request.Method == http.MethodGet && strings.Contains(request.Header.Get("Accept"), "text/html"):
		w.Header().Set("Location", prefix.toPage())
		w.Header().Set("Vary", "Accept")
		w.WriteHeader(http.StatusFound)
	default:
		return false
	}
	return true
}
