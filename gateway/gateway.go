package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/gateway/access"
	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/gateway/chat"
	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gateway/forward"
	"github.com/clawdbot/clawgate/gateway/origins"
	"github.com/clawdbot/clawgate/guesses"
	"github.com/clawdbot/clawgate/hosts"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/serve"
)

const (
	// bufferMaxBytes bounds all request bodies in memory together. It fits the
	// memory limit of the compose file.
	bufferMaxBytes = 128 << 20
	// drainTimeout is how long answers may go on after the signal to end. The
	// compose file's stop_grace_period is over it.
	drainTimeout = 10 * time.Minute
)

// Parts are what the gateway is joined from. Log, Registry and Config are needed.
type Parts struct {
	Config   config.Config
	Registry Registry
	Log      *slog.Logger
	Version  string
	// Resources are what there is for connections and requests; nothing for
	// crowd.Available.
	Resources crowd.Resources
	// Dial opens the connections to the sidecars; nil for the network's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve finds a name's addresses; nil for the system's resolver.
	Resolve func(ctx context.Context, host string) ([]string, error)
}

// Registry is where the gateway's metrics are registered and read.
type Registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Gateway is the door. It is made by New and run once.
type Gateway struct {
	config    config.Config
	log       *slog.Logger
	pool      *balance.Pool
	forwarder *forward.Forwarder
	keys      *access.Keys
	guesses   guesses.Brake // for who has none of the keys
	limiter   *access.Limiter
	cors      access.CORS
	page      http.Handler // nil when there is none
	limits    crowd.Limits
	metrics   *metrics
	admin     http.Handler
	hosts     hosts.Names // by which clients may address the door
}

// New joins the parts. It starts nothing.
func New(parts Parts) *Gateway {
	c := parts.Config
	g := &Gateway{config: c, log: parts.Log, limiter: access.NewLimiter(c.RateLimit), cors: access.NewCORS(origins.List(c.CORSOrigins))}
	var keys []access.Key
	for _, key := range c.APIKeys.List() {
		keys = append(keys, access.Key{Name: key.Name, Secret: key.Key.Reveal()})
	}
	g.keys = access.NewKeys(keys)
	g.pool = balance.New(balance.Config{Sidecars: c.Sidecars, Resolve: parts.Resolve, Dial: parts.Dial, Log: parts.Log})
	bodies := max(bufferMaxBytes, 2*int64(c.MaxBodyBytes)) // the largest is moved once more when half of it has come
	g.limits = crowd.Limits{Connections: c.MaxConnections, Requests: c.MaxRequests, HeaderBytes: int(c.MaxHeaderBytes)}.Within(cmp.Or(parts.Resources, crowd.Available()), bodies)
	g.guesses.Waiting = max(1, min(g.limits.Connections/8, 256)) // each holds a connection
	g.forwarder = forward.New(forward.Config{
		Pool: g.pool, Transport: proxy.NewTransport(parts.Dial), Hold: c.Hold, HoldRelay: c.HoldRelay,
		MaxBodyBytes: int64(c.MaxBodyBytes), UploadRate: int64(c.MinUploadRate), BufferMaxBytes: bodies, MaxRequests: g.limits.Requests,
		Body: g.checkBody, Log: parts.Log,
	})
	g.hosts = doorHosts(c)
	if c.UI {
		g.page = chat.Handler()
	}
	g.metrics = newMetrics(parts.Registry, g)
	g.admin = newAdmin(g, parts)
	return g
}

// Listeners are what the gateway serves on. Run closes them.
type Listeners struct{ Door, Admin net.Listener }

// Listen opens both listeners, as configured.
func Listen(ctx context.Context, c config.Config) (Listeners, error) {
	var lc net.ListenConfig
	door, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return Listeners{}, fmt.Errorf("cannot listen for clients (CLAWGATE_GATEWAY_LISTEN): %w", err)
	}
	admin, err := lc.Listen(ctx, "tcp", c.AdminListen)
	if err != nil {
		return Listeners{}, errors.Join(fmt.Errorf("cannot listen for the operator (CLAWGATE_GATEWAY_ADMIN_LISTEN): %w", err), door.Close())
	}
	return Listeners{Door: door, Admin: admin}, nil
}

// Run serves until ctx ends, lets the answers that have begun go on for a
// while, and returns when everything that it started has ended.
func (g *Gateway) Run(ctx context.Context, listeners Listeners) error {
	group, running := errgroup.WithContext(ctx)
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group.Go(func() error { return g.pool.Run(background) })
	group.Go(func() error {
		defer stopBackground() // the drain still needs the sidecars
		return g.serve(running, listeners)
	})
	return group.Wait()
}

func (g *Gateway) serve(ctx context.Context, listeners Listeners) error {
	door, admin := serve.New(g, g.log), serve.New(g.admin, g.log)
	g.introduce(listeners)
	return serve.Until(ctx, func(ctx context.Context) { g.drain(ctx, door) },
		serve.Side{Server: door, Listener: listeners.Door, Crowd: crowd.Config{
			Connections: g.limits.Connections, HeaderBytes: g.limits.HeaderBytes, Trusted: g.config.TrustedProxies, Log: g.log,
		}},
		serve.Side{Server: admin, Listener: listeners.Admin, Crowd: crowd.Config{Connections: serve.AdminConnections}})
}

func (g *Gateway) introduce(listeners Listeners) {
	g.log.Info("serving", "door", listeners.Door.Addr().String(), "admin", listeners.Admin.Addr().String(),
		"max_connections", g.limits.Connections, "max_requests", g.limits.Requests, "sidecars", len(g.config.Sidecars), "allow", g.config.Allow, "keys", len(g.config.APIKeys.List()))
	for _, note := range origins.List(g.config.CORSOrigins).Notes() {
		g.log.Warn("an origin in CLAWGATE_GATEWAY_CORS_ORIGINS is not read as Ollama reads it", "why", note)
	}
	if g.keys.Open() {
		g.log.Warn("no keys are configured: the gateway is open to whoever reaches it; set CLAWGATE_GATEWAY_API_KEYS or CLAWGATE_GATEWAY_API_KEYS_FILE")
		g.warnOfAnyName()
	}
}

// drain lets answers end. A second signal ends the process at once.
func (g *Gateway) drain(ctx context.Context, door *http.Server) {
	g.log.Info("draining", "timeout", drainTimeout)
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := door.Shutdown(ctx); err != nil {
		g.log.Warn("answers were cut at the end of the drain", "err", err)
		_ = door.Close() // its listener is closed already
	}
}
