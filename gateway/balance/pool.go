package balance

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config is what a pool needs.
type Config struct {
	// Sidecars are the URLs as configured, of a host alone.
	Sidecars []*url.URL
	// Resolve finds a name's addresses; nil for the system's resolver.
	Resolve func(ctx context.Context, host string) ([]string, error)
	// Dial opens the connections for looks; nil for a plain dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger
}

// Pool is all sidecars. Its methods may be called from any goroutine.
type Pool struct {
	config  Config
	client  *http.Client
	resolve chan struct{} // asks for the names to be resolved at once

	mu       sync.Mutex
	sidecars []*Sidecar
	attempts map[*Attempt]struct{}
	changed  chan struct{}
	turn     uint64
}

// New makes a pool that knows of no sidecar until Run has begun.
func New(config Config) *Pool {
	if config.Resolve == nil {
		config.Resolve = net.DefaultResolver.LookupHost
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	transport := &http.Transport{DialContext: config.Dial, DisableCompression: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}
	return &Pool{
		config: config, client: &http.Client{Transport: transport}, resolve: make(chan struct{}, 1),
		attempts: map[*Attempt]struct{}{}, changed: make(chan struct{}),
	}
}

// Run looks after the sidecars until ctx ends.
func (p *Pool) Run(ctx context.Context) error {
	defer p.client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { p.resolving(ctx, group); return nil })
	return group.Wait()
}

// Unreachable notes that a connection to a sidecar failed. It is put aside
// until a look at it succeeds, and its name is resolved again.
func (p *Pool) Unreachable(s *Sidecar, problem string) {
	p.update(s, func(current *standing) { current.lose(problem) })
	s.lookSoon()
	p.resolveSoon()
}

// Doubt has a sidecar looked at, of which nothing is known but that a connection to
// it broke off while something was being sent. Until that look it stays what it is.
func (p *Pool) Doubt(s *Sidecar) { s.lookSoon() }

// maxClosed bounds what is known of single models between two looks: clients choose
// the names.
const maxClosed = 256

// Closed notes a sidecar's own 503 for a model. It holds until the next look,
// which is taken at once.
func (p *Pool) Closed(s *Sidecar, model, state, reason string) {
	p.tells(s, func(current *standing) {
		models := map[string]string{model: reason}
		if len(current.models) < maxClosed {
			maps.Copy(models, current.models)
		}
		current.state, current.models = state, models
	})
}

// Drains notes that a sidecar is about to end.
func (p *Pool) Drains(s *Sidecar) {
	p.tells(s, func(current *standing) { current.ready, current.draining = false, true })
}

// tells is for what a sidecar has said of itself: it holds by all its addresses.
func (p *Pool) tells(s *Sidecar, change func(*standing)) {
	for _, one := range p.addressesOf(s) {
		p.update(one, change)
		one.lookSoon()
	}
}

func (s *standing) lose(problem string) {
	if s.reached || s.lostSince.IsZero() {
		s.lostSince = time.Now()
	}
	s.reached, s.ready, s.problem = false, false, problem
}

// update changes what is known of a sidecar and tells everybody.
func (p *Pool) update(s *Sidecar, change func(*standing)) {
	p.mu.Lock()
	before := s.standing.describe()
	change(&s.standing)
	after, problem := s.standing.describe(), s.standing.why()
	close(p.changed)
	p.changed = make(chan struct{})
	p.dismiss(time.Now())
	p.mu.Unlock()
	if before != after {
		p.config.Log.Info("sidecar", "sidecar", s.Address, "before", before, "now", after, "reason", problem)
	}
}

// describe is a word for the log and the status.
func (s *standing) describe() string {
	switch {
	case !s.reached && s.state == "":
		return "unknown"
	case !s.reached:
		return "unreachable"
	case s.draining:
		return "draining"
	}
	return s.state
}

func (s *standing) why() string {
	if !s.reached {
		return s.problem
	}
	if s.reason == "" {
		return s.models[s.model]
	}
	return s.reason
}

func (p *Pool) resolveSoon() {
	select {
	case p.resolve <- struct{}{}:
	default:
	}
}

// Serves says that a sidecar would serve the model now.
func (p *Pool) Serves(model string) bool { return p.Choose(model, true, nil).Sidecar != nil }
