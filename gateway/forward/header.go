package forward

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/wire"
)

// cleanHeader makes the header that is sent on, in place: without what means
// the client's connection, without its key, and without what only Clawgate or
// a proxy says.
func cleanHeader(request *http.Request, ask Ask) {
	header := request.Header
	proxy.RemoveHopByHop(header)
	proxy.RemoveOwn(header)
	for _, name := range []string{
		"Authorization", "X-Api-Key", "Api-Key", "Cookie", "Prefer", "Expect",
		"Origin", "Referer", // the gateway has judged them, and Ollama would by the wrong host
		"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
		// The path as a proxy in front got it, which may hold a key.
		"X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Original-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Envoy-Original-Path",
		"Idempotency-Key", "X-Idempotency-Key", // with them net/http itself sends again what may have been seen
	} {
		delete(header, name)
	}
	header["X-Forwarded-For"] = []string{ask.Client}
	header[wire.RequestIDHeader] = []string{ask.ID}
	header[wire.KeyHeader] = []string{ask.Fairness}
	if _, present := header["User-Agent"]; !present {
		header["User-Agent"] = []string{""} // or Go's own name would be sent
	}
}

// header is that of one attempt. It tells the relay how long the request may
// wait there, of what is left: while another sidecar would serve it, it had
// better not wait at all. And it tells whether an Ollama has seen it before.
func (a *attempt) header(choice balance.Choice) http.Header {
	header := maps.Clone(a.request.Header) // the attempt before may still be writing its own
	switch {
	case choice.Others:
		header["Prefer"] = []string{"wait=0"}
	case a.waitGiven || a.spent > 0:
		left := max(0, min(a.wait, choice.HoldMax)-a.spent)
		header["Prefer"] = []string{"wait=" + strconv.Itoa(int(left/time.Second))}
	default: // the sidecar's own default holds
	}
	if a.resent {
		header[wire.ReplayedHeader] = []string{wire.Yes}
	}
	return header
}

// copyAnswerHeader gives the client the sidecar's header. Its Clawgate-State
// stays: it tells a person who refused. Which pages may read the answer is the
// gateway's to say, and who has to show what: a browser that was asked for a name
// and a password would send them by itself from then on.
func copyAnswerHeader(to, from http.Header, path string) {
	proxy.RemoveHopByHop(from)
	for name, values := range from {
		switch {
		case name == wire.RequestIDHeader, name == "Www-Authenticate", strings.HasPrefix(name, "Access-Control-"):
		case strings.HasPrefix(name, wire.HeaderPrefix) && name != wire.StateHeader: // between the two layers
		case name == "Vary":
			to[name] = append(to[name], values...)
		case name == "Location":
			to[name] = []string{Relative(path, from.Get(name))}
		default:
			to[name] = values
		}
	}
}
