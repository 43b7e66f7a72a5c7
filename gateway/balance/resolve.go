package balance

import (
	"context"
	"net"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	resolveInterval = 5 * time.Second
	resolveDeadline = 3 * time.Second
)

// resolving keeps the list of sidecars, and a goroutine that looks at each.
func (p *Pool) resolving(ctx context.Context, group *errgroup.Group) {
	found := map[string][]string{} // addresses by host, as last resolved
	tick := time.NewTicker(resolveInterval)
	defer tick.Stop()
	for {
		for _, u := range p.config.Sidecars {
			if addresses, err := p.lookup(ctx, u.Hostname()); err == nil {
				found[u.Hostname()] = addresses
			} else if ctx.Err() == nil {
				// The addresses of before stay: a name server that stumbles moves no server.
				p.config.Log.Warn("cannot resolve a sidecar's name", "name", u.Hostname(), "err", err)
			}
		}
		p.replace(ctx, group, p.addresses(found))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.resolve:
		}
	}
}

func (p *Pool) lookup(ctx context.Context, host string) ([]string, error) {
	if net.ParseIP(host) != nil {
		return []string{host}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveDeadline)
	defer cancel()
	found, err := p.config.Resolve(ctx, host)
	// Name servers turn their lists: under which address a sidecar is reported must
	// not hang on the moment at which the gateway was started.
	return slices.Sorted(slices.Values(found)), err
}

// addresses are host:port for every address of every configured sidecar.
func (p *Pool) addresses(found map[string][]string) []string {
	var all []string
	for _, u := range p.config.Sidecars {
		port := u.Port()
		if port == "" {
			port = "80"
		}
		for _, host := range found[u.Hostname()] {
			if address := net.JoinHostPort(host, port); !slices.Contains(all, address) {
				all = append(all, address)
			}
		}
	}
	return all
}

// replace adds what is new and drops what is gone.
func (p *Pool) replace(ctx context.Context, group *errgroup.Group, addresses []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.sidecars[:0:0]
	for _, s := range p.sidecars {
		if slices.Contains(addresses, s.Address) {
			kept = append(kept, s)
			continue
		}
		s.removed = true
		s.lookSoon()
	}
	for _, address := range addresses {
		if slices.ContainsFunc(kept, func(s *Sidecar) bool { return s.Address == address }) {
			continue
		}
		s := &Sidecar{Address: address, URL: &url.URL{Scheme: "http", Host: address}, look: make(chan struct{}, 1)}
		group.Go(func() error { p.looking(ctx, s); return nil })
		kept = append(kept, s)
	}
	p.sidecars = kept
}
