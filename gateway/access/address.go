package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/crowd"
)

// ClientAddress gives the address of the client: the peer's or, where that is a
// trusted proxy, the right-most entry of X-Forwarded-For that is not one. What
// stands left of that is the client's own claim and is not believed. An entry
// that is no address ends the walk at the proxy that passed it on. The result is
// invalid only where RemoteAddr is.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	// Several headers are one list (RFC 9110, section 5.3).
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(entries) {
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(client) }) {
			break
		}
		next, ok := parseAddress(entry)
		if !ok {
			break
		}
		client = next
	}
	return client
}

// AddressID is the identity of a client that has no key: its address or, with
// IPv6, its network of 64 bits, of which a single host has every address.
func AddressID(client netip.Addr) string { return crowd.Origin(client) }

// parseAddress reads an address with or without a port. It takes IPv4 out of
// IPv6 and drops the zone, so that prefixes match.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	address, err := netip.ParseAddr(text)
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}
