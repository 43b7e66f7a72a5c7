// Package hosts tells by which names a listener may be addressed.
//
// A web page may call the server that its own name points to, and read what it
// answers. Whoever owns the name can make it point at a machine of the person who
// looks at the page (DNS rebinding). The Host header then has the page's name, so
// a listener refuses every name that a stranger could own.
package hosts

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Names are those by which a listener may be addressed besides the ones that no
// stranger can make point at it, or "*" alone for every name.
type Names []string

// anyName is the setting that switches the check off.
const anyName = "*"

// Any trusts every name.
var Any = Names{anyName}

// private are the ends of names that no public DNS answers for: RFC 6762, the
// reserved .internal, and Kubernetes' services.
var private = []string{".local", ".internal", ".svc"}

var name = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$`)

// UnmarshalText accepts names without a port, separated by commas, or * alone.
func (n *Names) UnmarshalText(text []byte) error {
	*n = nil
	entries := strings.Split(string(text), ",")
	for _, entry := range entries {
		host := canonical(strings.TrimSpace(entry))
		switch {
		case host == anyName && len(entries) > 1:
			return errors.New("* means every name; give it alone or leave it out")
		case host != anyName && !name.MatchString(host):
			return errors.New("must be names without scheme and port, such as gpu-box.example.com, separated by commas, or * alone for every name")
		}
		*n = append(*n, host)
	}
	return nil
}

// And adds the host of the address that is listened on, if it has one.
func (n Names) And(listen string) Names {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "" {
		return n
	}
	return append(slices.Clip(n), canonical(host))
}

// TrustAll says that every name is trusted.
func (n Names) TrustAll() bool { return slices.Contains(n, anyName) }

// Trust says that no stranger's DNS can have led a browser to make the request. One
// without a name is trusted: clients that speak HTTP/1.0 leave it out, and no
// browser does.
func (n Names) Trust(request *http.Request) bool {
	host := request.Host
	if host == "" || n.TrustAll() {
		return true
	}
	if alone, _, err := net.SplitHostPort(host); err == nil {
		host = alone
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = canonical(host)
	return host != "" && !strings.ContainsAny(host, ".:") || slices.Contains(n, host) ||
		slices.ContainsFunc(private, func(end string) bool { return strings.HasSuffix(host, end) && len(host) > len(end) })
}

// Refusal is the sentence for whoever is not trusted; the variable adds names.
func Refusal(variable string) string {
	return "this name is not known here: use an IP address, a name without a dot, or one that ends in .local, .internal or .svc, or add the name to " + variable
}

// canonical writes a name as browsers do, and without the dot that makes it
// absolute.
func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// Loopback says that only this machine reaches what listens on the address.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	address, notAddress := netip.ParseAddr(host)
	return err == nil && (strings.EqualFold(host, "localhost") || notAddress == nil && address.Unmap().IsLoopback())
}
