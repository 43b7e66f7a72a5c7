package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/gateway/origins"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/ollama"
)

// Sidecars are the URLs of the sidecars' relays: scheme and host alone.
type Sidecars []*url.URL

// UnmarshalText accepts http URLs of a host alone, each once, separated by
// commas. Its errors show none: one may hold a password.
func (s *Sidecars) UnmarshalText(text []byte) error {
	*s = nil
	var seen []string
	return eachOf(text, func(entry string) error {
		u, err := url.Parse(entry)
		if err != nil || !environment.IsHostURL(u) || u.Scheme != "http" {
			return errors.New("must be an http URL of a host alone, such as http://sidecar:18789" + environment.OddInURL(entry))
		}
		u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
		host := withoutPort(u, "80")
		if slices.Contains(seen, host) {
			return errors.New("names a sidecar that an entry before names; give each once")
		}
		seen = append(seen, host)
		*s = append(*s, u)
		return nil
	})
}

// Classes are what clients may ask for.
type Classes []ollama.Class

// Has tells whether clients may ask for what is of the class.
func (c Classes) Has(class ollama.Class) bool { return slices.Contains(c, class) }

// UnmarshalText accepts classes, separated by commas.
func (c *Classes) UnmarshalText(text []byte) error {
	*c = nil
	return eachOf(text, func(entry string) error {
		var class ollama.Class
		if err := environment.OneOf(&class, []byte(entry), ollama.Inference, ollama.Inspect, ollama.Manage, policy.Remote); err != nil {
			return err
		}
		if !c.Has(class) {
			*c = append(*c, class)
		}
		return nil
	})
}

// Origins are patterns for the web pages and apps that may call, beside desktop
// apps, see package origins.
type Origins []origins.Pattern

// UnmarshalText accepts patterns, separated by commas, or * alone. Its errors
// show none: one may hold a password.
func (o *Origins) UnmarshalText(text []byte) error {
	*o = nil
	return eachOf(text, func(entry string) error {
		pattern, err := origins.Parse(entry)
		if err != nil {
			return err
		}
		if pattern == origins.All && string(text) != "*" {
			return errors.New("* means all origins; give it alone or leave it out")
		}
		if !slices.Contains(*o, pattern) {
			*o = append(*o, pattern)
		}
		return nil
	})
}

// withoutPort is the host of u, without the port if that is the scheme's own.
func withoutPort(u *url.URL, standard string) string {
	if u.Port() != standard {
		return u.Host
	}
	return strings.TrimSuffix(u.Host, ":"+standard)
}

// Prefixes are ranges of addresses; a single address is a range of its own.
type Prefixes []netip.Prefix

// UnmarshalText accepts addresses and CIDR prefixes, separated by commas.
func (p *Prefixes) UnmarshalText(text []byte) error {
	*p = nil
	return eachOf(text, func(entry string) error {
		prefix, err := netip.ParsePrefix(entry)
		if address, notAddress := netip.ParseAddr(entry); notAddress == nil && address.Zone() == "" {
			address = address.Unmap()
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || prefix.Addr().Is4In6() {
			return fmt.Errorf("%q is not an address or a prefix such as 10.0.0.0/8", entry)
		}
		*p = append(*p, prefix.Masked())
		return nil
	})
}

// eachOf gives every entry of a comma-separated list to read and returns its
// errors together, on one line.
func eachOf(text []byte, read func(entry string) error) error {
	var found problems
	for i, entry := range strings.Split(string(text), ",") {
		if err := read(strings.TrimSpace(entry)); err != nil {
			found.add(i+1, err)
		}
	}
	return found.err()
}

// problems are those of one list.
type problems []string

func (p *problems) add(entry int, err error) {
	*p = append(*p, fmt.Sprintf("entry %d: %v", entry, err))
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return errors.New(strings.Join(p, "; "))
}
