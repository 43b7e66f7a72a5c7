package gateway

import (
	"net/http"

	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/hosts"
)

// doorHosts are the names by which clients may address the door. On an address
// that others reach they use names that nobody can foresee, and a page that was
// led here by one of them has no key; on a loopback address it is this machine's
// own browser that would be led here, often where there are no keys.
func doorHosts(c config.Config) hosts.Names {
	if len(c.Hosts) == 0 && !hosts.Loopback(c.Listen) {
		return hosts.Any
	}
	return c.Hosts.And(c.Listen)
}

// warnOfAnyName is for a gateway without keys.
func (g *Gateway) warnOfAnyName() {
	if g.hosts.TrustAll() {
		g.log.Warn("any Host header is accepted: a web page whose name is made to point here can call the gateway; set keys, or CLAWGATE_GATEWAY_HOSTS to the names that clients use")
	}
}

// unknownHost refuses a name that a stranger's DNS may have pointed here.
var unknownHost = &forward.Refusal{Status: http.StatusForbidden, Reason: "host", Sentence: hosts.Refusal("CLAWGATE_GATEWAY_HOSTS")}

// checkHost is the same for the operator's listener.
func checkHost(names hosts.Names, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !names.Trust(r) {
			say(w, http.StatusForbidden, map[string]any{"error": hosts.Refusal("CLAWGATE_ADMIN_HOSTS")})
			return
		}
		next.ServeHTTP(w, r)
	})
}
