package proxy

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/clawdbot/clawgate/wire"
)

// hopByHop are the headers that mean one connection (RFC 9110 §7.6.1), with
// those that were in use before it.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// RemoveHopByHop drops what means this connection alone.
func RemoveHopByHop(header http.Header) {
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

// RemoveOwn drops what only Clawgate says of itself. From Ollama it would be
// taken for the relay's, and from a client for the gateway's.
func RemoveOwn(header http.Header) {
	for name := range header {
		if strings.HasPrefix(name, wire.HeaderPrefix) {
			delete(header, name)
		}
	}
}
