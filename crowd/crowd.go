package crowd

import (
	"cmp"
	"container/list"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config is for the connections of one listener.
type Config struct {
	Connections int            // at once
	HeaderBytes int            // of a request's header at most; 0 for 16 KiB
	Trusted     []netip.Prefix // of proxies, whose connections are many clients'
	Log         *slog.Logger   // nil for none
}

// crowd is the connections of one listener.
type crowd struct {
	config Config

	mu      sync.Mutex
	less    sync.Cond // there are fewer, or it is over
	open    int       // accepted, and not done with by the server
	leaving int       // of them: closed here, and not yet done with
	over    bool
	// idle are the connections without a request in hand, by address; the one in
	// which nothing has happened for longest first.
	idle map[string]*list.List
	told time.Time // when the log was told last that it is full
}

// Serve is server.Serve for no more connections than configured. It limits the
// header of a request to 16 KiB and 100 fields.
//
// When there are as many as there may be, a new one has the longest unused
// connection closed of the address that has most of them without a request in
// hand: an idle one, one whose header does not end, one that does not read its
// refusal. Only where there is none, it is refused itself.
func Serve(server *http.Server, listener net.Listener, config Config) error {
	config.HeaderBytes = cmp.Or(config.HeaderBytes, headerBytes)
	c := &crowd{config: config, idle: map[string]*list.List{}}
	c.less.L = &c.mu
	server.MaxHeaderBytes = config.HeaderBytes // conn is stricter
	server.ConnState = changed
	before := server.ConnContext
	server.ConnContext = func(ctx context.Context, connection net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, connection)
		}
		return context.WithValue(ctx, connKey{}, connection)
	}
	return server.Serve(&crowded{listener, c})
}

type connKey struct{}

// crowded is a listener of which a crowd decides who comes in.
type crowded struct {
	net.Listener
	crowd *crowd
}

// Accept implements net.Listener.
func (l *crowded) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: accepted, crowd: l.crowd, from: l.crowd.origin(accepted.RemoteAddr())}
		c.begins.Store(true)
		if l.crowd.admit(c) {
			return c, nil
		}
		c.say("503 Service Unavailable", "Retry-After: 5\r\n")
		_ = accepted.Close()
	}
}

// Close implements net.Listener.
func (l *crowded) Close() error {
	l.crowd.end()
	return l.Listener.Close()
}

// origin is what a connection counts to: its peer's address, or nothing when that
// is a trusted proxy.
func (c *crowd) origin(peer net.Addr) string {
	if peer == nil {
		return "unknown"
	}
	address, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return peer.String()
	}
	host := address.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(c.config.Trusted, func(p netip.Prefix) bool { return p.Contains(host) }) {
		return ""
	}
	return Origin(host)
}

// Origin is who an address stands for: itself or, with IPv6, its network of 64
// bits, of which a single host has every address.
func Origin(address netip.Addr) string {
	address = address.Unmap()
	if address.Is6() {
		network, _ := address.Prefix(64) // 64 bits are always possible
		return network.String()
	}
	return address.String()
}
