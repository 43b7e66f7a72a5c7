package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// TCP makes a connection to the server and closes it again. A success proves
// that the kernel listens, and nothing more: the server behind may be frozen.
func TCP(ctx context.Context, dial DialFunc, base *url.URL, timeout time.Duration) evidence.ProbeResult {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, "tcp", hostPort(base))
	result := evidence.ProbeResult{Probe: evidence.ProbeTCP, Outcome: evidence.Success, At: time.Now(), Took: time.Since(began)}
	if err != nil {
		result.Outcome = evidence.Failure
		result.Reason = fmt.Sprintf("no connection to %s: %s", hostPort(base), plain(err, timeout))
		result.Refused, result.Unresolved = refused(err), unresolved(err)
		return result
	}
	_ = conn.Close() // nothing was sent; there is nothing to lose
	return result
}

// refused says that nobody listens there, or that the name leads nowhere.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || unresolved(err)
}

// unresolved says that the name leads nowhere. A container's name vanishes from
// its network's DNS while it is stopped, but a DNS that fails says nothing about
// the server.
func unresolved(err error) bool {
	var lookup *net.DNSError
	return errors.As(err, &lookup)
}

func hostPort(base *url.URL) string {
	if base.Port() != "" {
		return base.Host
	}
	if base.Scheme == "https" {
		return net.JoinHostPort(base.Hostname(), "443")
	}
	return net.JoinHostPort(base.Hostname(), "80")
}

// plain puts an error of a call with a deadline into few words.
func plain(err error, timeout time.Duration) string {
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		return fmt.Sprintf("no answer within %s", timeout)
	}
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}
