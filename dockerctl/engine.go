package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"
	"golang.org/x/sync/semaphore"

	settings "github.com/clawdbot/clawgate/environment"
)

// negotiateLimit bounds the ping that finds out the engine's API version.
const negotiateLimit = 5 * time.Second

// engine is the way to a Docker engine. It negotiates the API version when it is
// first used and again after the engine was away, since what comes back may be
// another version: the SDK's own negotiation happens once for ever, and writes
// its result unsynchronised with the event stream, which reads it.
type engine struct {
	host        string // without user and password
	negotiating *semaphore.Weighted
	current     atomic.Pointer[connection]

	// transport replaces the network; tests only.
	transport http.RoundTripper
}

// connection is a client that has agreed on a version with the engine.
type connection struct {
	*client.Client
	transport *http.Transport
}

func newEngine(host string) (*engine, error) {
	if host == "" {
		host = settings.Text(os.Getenv(client.EnvOverrideHost))
	}
	if host == "" {
		host = client.DefaultDockerHost
	}
	host = withoutUser(host)
	if strings.HasPrefix(host, "ssh://") {
		return nil, fmt.Errorf("Docker host %q: ssh is not supported, use unix:// or tcp://", host)
	}
	e := &engine{host: host, negotiating: semaphore.NewWeighted(1)}
	if _, err := e.prepare(); err != nil { // connects to nothing: a mistake shows at once
		return nil, err
	}
	return e, nil
}

// call makes one call to the engine within limit, negotiation included, and says
// ErrEngineAway where that is what the error means. When the caller's own
// context has ended, the error is the context's and says nothing of the engine.
func (e *engine) call(ctx context.Context, limit time.Duration, do func(context.Context, *client.Client) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := e.negotiated(bounded)
	if err == nil {
		err = do(bounded, conn.Client)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = classify(err)
	if conn != nil && (errors.Is(err, ErrEngineAway) || outdated(err)) {
		e.forget(conn)
	}
	return err
}

// negotiated returns the connection in use, or makes one. Callers that come
// while another one negotiates wait for it no longer than their own context.
func (e *engine) negotiated(ctx context.Context) (*connection, error) {
	if conn := e.current.Load(); conn != nil {
		return conn, nil
	}
	if err := e.negotiating.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer e.negotiating.Release(1)
	if conn := e.current.Load(); conn != nil {
		return conn, nil
	}
	conn, err := e.negotiate(ctx)
	if err != nil {
		return nil, err
	}
	e.current.Store(conn)
	return conn, nil
}

func (e *engine) negotiate(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, negotiateLimit)
	defer cancel()
	conn, err := e.prepare()
	if err != nil {
		return nil, err
	}
	ping, err := conn.Ping(ctx)
	if err == nil && ping.APIVersion == "" {
		// The SDK would take it for an engine of before 2016 and go on.
		err = fmt.Errorf("%s does not answer as a Docker engine does: no Api-Version header", e.host)
	}
	if err != nil {
		conn.transport.CloseIdleConnections()
		return nil, err
	}
	conn.NegotiateAPIVersionPing(ping) // heeds DOCKER_API_VERSION
	return conn, nil
}

// forget drops conn, so that the next call negotiates anew.
func (e *engine) forget(conn *connection) {
	if e.current.CompareAndSwap(conn, nil) {
		conn.transport.CloseIdleConnections()
	}
}

func (e *engine) close() {
	if conn := e.current.Load(); conn != nil {
		e.forget(conn)
	}
}

// prepare makes a client that has not connected yet.
func (e *engine) prepare() (*connection, error) {
	if err := checkCertificates(); err != nil {
		return nil, fmt.Errorf("cannot use DOCKER_CERT_PATH: %w", err)
	}
	conn := new(connection)
	var err error
	conn.Client, err = client.NewClientWithOpts(
		client.WithTLSClientConfigFromEnv(),
		client.WithVersionFromEnv(),
		client.WithHost(e.host),
		func(c *client.Client) (err error) {
			conn.transport, err = e.overlay(c)
			return err
		},
	)
	if err != nil {
		return nil, fmt.Errorf("cannot use Docker host %q: %w", e.host, err)
	}
	return conn, nil
}

// overlay puts gateway around the transport that the SDK has set up for the
// host, and returns that transport.
func (e *engine) overlay(c *client.Client) (*http.Transport, error) {
	httpClient := c.HTTPClient()
	transport, ok := httpClient.Transport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the SDK's transport is a %T, not an *http.Transport", httpClient.Transport)
	}
	if strings.HasPrefix(e.host, "tcp://") || strings.HasPrefix(e.host, "http") {
		transport.DialContext, transport.Proxy = dialer.DialContext, quiet(http.ProxyFromEnvironment)
	}
	if transport.TLSClientConfig != nil {
		// The SDK looks for this in an *http.Transport, which it no longer sees.
		if err := client.WithScheme("https")(c); err != nil {
			return nil, err
		}
	}
	httpClient.Transport = gateway{transport}
	if e.transport != nil {
		httpClient.Transport = gateway{e.transport}
	}
	return transport, client.WithHTTPClient(httpClient)(c)
}

// dialer finds out within 30 s that the other end of a silent TCP connection is
// gone: an event stream would otherwise wait for ever on a half-open one.
var dialer = &net.Dialer{
	Timeout:         5 * time.Second,
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
}
