package probe

import (
	"context"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

type closing struct {
	net.Conn
	closed *bool
}

func (c closing) Close() error { *c.closed = true; return nil }

func TestTheTCPProbeConnectsAndLeaves(t *testing.T) {
	for base, want := range map[string]string{
		"http://ollama:11434": "ollama:11434",
		"http://ollama":       "ollama:80",
		"https://ollama":      "ollama:443",
		"http://[::1]:11434":  "[::1]:11434",
		"http://[::1]":        "[::1]:80",
	} {
		closed, dialled := false, ""
		result := TCP(t.Context(), func(_ context.Context, network, address string) (net.Conn, error) {
			dialled = network + " " + address
			return closing{closed: &closed}, nil
		}, mustParse(t, base), time.Second)
		if result.Outcome != evidence.Success || result.Probe != evidence.ProbeTCP || result.Reason != "" || result.Refused {
			t.Errorf("%s: %+v", base, result)
		}
		if dialled != "tcp "+want || !closed {
			t.Errorf("%s: dialled %q, closed %v", base, dialled, closed)
		}
	}
}

func TestATCPProbeThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		err                 error
		refused, unresolved bool
		words               string
	}{
		"refused":     {&net.OpError{Op: "dial", Err: errRefused}, true, false, "connection refused"},
		"no name":     {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "ollama", IsNotFound: true}}, true, true, "no such host"},
		"DNS is slow": {&net.DNSError{Err: "i/o timeout", Name: "ollama", IsTimeout: true}, true, true, "no answer within 2s"},
		"no route":    {&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, false, false, "no route"},
	} {
		result := TCP(t.Context(), func(context.Context, string, string) (net.Conn, error) { return nil, c.err }, mustParse(t, "http://ollama:11434"), 2*time.Second)
		if result.Outcome != evidence.Failure || result.Refused != c.refused || result.Unresolved != c.unresolved ||
			!strings.HasPrefix(result.Reason, "no connection to ollama:11434: ") || !strings.Contains(result.Reason, c.words) {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

func TestATCPProbeKeepsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := TCP(t.Context(), func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, mustParse(t, "http://ollama:11434"), 2*time.Second)
		if result.Outcome != evidence.Failure || result.Took != 2*time.Second || result.Refused || !strings.Contains(result.Reason, "no answer within 2s") {
			t.Errorf("%+v", result)
		}
	})
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
