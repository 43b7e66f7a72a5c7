package relay

import (
	"net"
	"net/http"
	"strings"

	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// cleanRequestHeader makes the header that is sent on, in place. What the
// client's connection needs to upgrade is left to the pass-through.
func cleanRequestHeader(request *http.Request, id string) {
	header := request.Header
	proxy.RemoveOwn(header)
	for _, name := range []string{
		"Prefer", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto",
		"Idempotency-Key", "X-Idempotency-Key", // with them net/http itself sends again what Ollama may have seen
	} {
		delete(header, name)
	}
	header.Set(wire.RequestIDHeader, id)
	if _, present := header["User-Agent"]; !present {
		header["User-Agent"] = []string{""} // or Go's own name would be sent
	}
	if client, _, err := net.SplitHostPort(request.RemoteAddr); err == nil {
		if before := header["X-Forwarded-For"]; len(before) > 0 {
			client = strings.Join(before, ", ") + ", " + client
		}
		header["X-Forwarded-For"] = []string{client}
	}
}

// copyAnswerHeader gives the client Ollama's header, less what is not for it.
func copyAnswerHeader(to, from http.Header) {
	proxy.RemoveHopByHop(from)
	for name, values := range from {
		if name != wire.RequestIDHeader && !strings.HasPrefix(name, wire.HeaderPrefix) {
			to[name] = values
		}
	}
}
