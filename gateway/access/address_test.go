package access

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestTheClientsAddressIsWhatTrustedProxiesSay(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:80", nil, "192.0.2.1"},
		{"192.0.2.1:80", []string{"198.51.100.1"}, "192.0.2.1"}, // not a proxy: a claim
		{"10.0.0.1:80", nil, "10.0.0.1"},
		{"10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[fd00::1]:80", []string{"2001:db8::1"}, "2001:db8::1"},
		{"[fd00::1%eth0]:80", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"10.0.0.1:80", []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"1.1.1.1, 198.51.100.1 , 10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"1.1.1.1", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:80", []string{"1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:80", []string{"198.51.100.1, "}, "10.0.0.1"},
		{"10.0.0.1:80", []string{"<script>"}, "10.0.0.1"},
		{"10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := ClientAddress(r, trusted).String(); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestAHostWithManyAddressesIsOneIdentity(t *testing.T) {
	for address, want := range map[string]string{
		"::ffff:192.0.2.1":   "192.0.2.1",
		"192.0.2.1":          "192.0.2.1",
		"2001:db8::1":        "2001:db8::/64",
		"2001:db8::ffff:1:2": "2001:db8::/64",
		"2001:db8:0:1::1":    "2001:db8:0:1::/64",
	} {
		if got := AddressID(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
	if got := AddressID(netip.Addr{}); got != "invalid IP" {
		t.Error(got)
	}
}
