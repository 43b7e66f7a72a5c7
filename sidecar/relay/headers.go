package relay

import (
	"net"
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop are the headers that mean one connection (RFC 9110 §7.6.1), with
// those that were in use before it.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func removeHopByHop(header http.Header) {
	for _, line := range header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				header.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(header, name)
	}
}

// removeOwn drops what only Clawgate says of itself. From Ollama it would be
// taken for the relay's, and from a client for the gateway's.
func removeOwn(header http.Header) {
	for name := range header {
		if strings.HasPrefix(name, "Clawgate-") {
			delete(header, name)
		}
	}
}

// cleanRequestHeader makes the header that is sent on, in place. What the
// client's connection needs to upgrade is left to the pass-through.
func cleanRequestHeader(request *http.Request, id string) {
	header := request.Header
	removeOwn(header)
	delete(header, "Prefer")
	delete(header, "Forwarded")
	delete(header, "X-Forwarded-Host")
	delete(header, "X-Forwarded-Proto")
	header.Set(requestIDHeader, id)
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
	removeHopByHop(from)
	for name, values := range from {
		if name != requestIDHeader && !strings.HasPrefix(name, "Clawgate-") {
			to[name] = values
		}
	}
}
