//go:build e2e

package crowd

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
)

const (
	attacker = "127.0.0.2"
	keys     = "mallory:mallory-mallory-mallory,alice:alice-alice-alice,bob:bob-bob-bob-bob-bob"
	mallory  = "Authorization: Bearer mallory-mallory-mallory\r\n"
)

// long is a header of so many bytes, in 90 fields.
func long(size int) string {
	var text strings.Builder
	for i := range 90 {
		fmt.Fprintf(&text, "X-%d: %s\r\n", i, strings.Repeat("x", size/90-8))
	}
	return text.String()
}

func post(path, header string, announced int, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", path, header, announced, body)
}

// trickle sends 17 kB a second, just over the least rate, for as long as it may.
func trickle(c net.Conn) {
	for piece := strings.Repeat("x", 17<<10); ; time.Sleep(time.Second) {
		if _, err := io.WriteString(c, piece); err != nil {
			return
		}
	}
}

// pour sends so many bytes as fast as they are taken.
func pour(bytes int) func(net.Conn) {
	return func(c net.Conn) {
		piece := strings.Repeat("x", 1<<20)
		for sent := 0; sent < bytes; sent += len(piece) {
			_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.WriteString(c, piece); err != nil {
				return
			}
		}
	}
}

// hold is the beginning of a body that keeps a request in hand.
const hold = `{"hold":1}`

func held(path, header string, size int) string {
	return post(path, header, size, hold+strings.Repeat(" ", size-len(hold)))
}

// many is more than either role keeps of connections. What comes on top only
// replaces them: with 7,000 to 20,000 of each, as they ended the roles once, all
// takes twice as long and comes out the same.
const many = 2500

// floods are those that ended or blocked one of the roles, and the worst that is
// left to do. The first is tried alone; the others come together, which is harder
// than one after the other, and shorter. The header is what lets them in.
func floods(header string) []flood {
	get := "GET /api/tags HTTP/1.1\r\n" + header
	return []flood{
		{"connections", attacker, 20000, "", nil},
		{"unfinished headers of 60 kB", attacker, many, get + "X: " + strings.Repeat("x", 60<<10), nil},
		{"unfinished headers of 15 kB", attacker, many, get + long(15<<10), nil},
		{"unfinished headers of the least fields", attacker, many, get + fields(3000), nil},
		{"requests in hand with headers of 60 kB", attacker, many, held("/api/show", header+long(60<<10), len(hold)), nil},
		{"requests in hand with headers of 15 kB", attacker, many, held("/api/show", header+long(15<<10), len(hold)), nil},
		{"bodies of 8 MiB in hand", attacker, 60, held("/api/chat", header, 8<<20), nil},
	}
}

// gatewayFloods are those whose bodies the gateway alone takes in.
var gatewayFloods = []flood{
	{"connections that ask without a key", attacker, many, "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n", nil},
	{"bodies of 70 kB that never come", attacker, 2100, post("/api/chat", mallory, 70_000, ""), nil},
	{"bodies of 60 kB in hand", attacker, 2100, held("/api/show", mallory, 60<<10), nil},
	{"bodies of 60 MiB", attacker, 12, post("/api/show", mallory, 60<<20, hold), pour(60 << 20)},
	{"slow bodies of 64 MiB", attacker, 40, post("/api/chat", mallory, 64<<20, strings.Repeat("x", 8<<20)), trickle},
}

// sidecarFloods are those that the gateway would not pass on.
var sidecarFloods = []flood{
	{"bodies of 9 MiB that never come", attacker, many, post("/api/chat", "", 9<<20, ""), nil},
	{"slow bodies of 8 MiB", attacker, 200, post("/api/chat", "", 8<<20, strings.Repeat("x", 1<<20)), trickle},
}

func fields(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%x:\r\n", i)
	}
	return text.String()
}

func TestNoCrowdEndsTheGatewayOrKeepsAnotherOut(t *testing.T) {
	manyFiles(t)
	gateway := parts.StartRole(t, "gateway", map[string]string{
		"CLAWGATE_GATEWAY_SIDECARS": behind(t), "CLAWGATE_GATEWAY_API_KEYS": keys, "CLAWGATE_GATEWAY_TRUSTED_PROXIES": "127.0.0.4",
	})
	behindProxy := http.Header{"Authorization": {"Bearer bob-bob-bob-bob-bob"}, "X-Forwarded-For": {"203.0.113.9"}}
	all := append(floods(mallory), gatewayFloods...)
	innocents := []innocent{
		{"another address", "127.0.0.3", http.Header{"Authorization": {"Bearer alice-alice-alice"}}, false},
		{"a key behind a trusted proxy", "127.0.0.4", behindProxy, true},
		{"another key behind the same address", attacker, http.Header{"Authorization": {"Bearer alice-alice-alice"}}, false},
	}
	t.Run("many connections", func(t *testing.T) { withstand(t, gateway, all[:1], innocents...) })
	t.Run("everything else at once", func(t *testing.T) { withstand(t, gateway, all[1:], innocents...) })
}

func TestNoCrowdEndsTheSidecarOrKeepsAnotherOut(t *testing.T) {
	manyFiles(t)
	sidecar := parts.StartRole(t, "sidecar", map[string]string{
		"CLAWGATE_OLLAMA_URL": behind(t), "CLAWGATE_PULL": "false", "CLAWGATE_GPU": "off", "CLAWGATE_STATE_DIR": "", "CLAWGATE_HEALTH_LOG": "",
	})
	other := innocent{"another address", "127.0.0.3", http.Header{}, false}
	all := append(floods(""), sidecarFloods...)
	t.Run("many connections", func(t *testing.T) { withstand(t, sidecar, all[:1], other) })
	t.Run("everything else at once", func(t *testing.T) { withstand(t, sidecar, all[1:], other) })
}

// withstand floods a role, and has the innocent ask it meanwhile: it lives on, and
// 99 of 100 of their requests are answered.
func withstand(t *testing.T, role parts.Role, floods []flood, innocents ...innocent) {
	t.Helper()
	var over atomic.Bool
	tallies := make([]tally, len(innocents))
	var group sync.WaitGroup
	for i := range innocents {
		group.Go(func() { tallies[i] = innocents[i].ask(t, func() bool { return !over.Load() }, role.Door) })
	}
	began := time.Now()
	var opening sync.WaitGroup
	for _, f := range floods {
		opening.Go(func() {
			opened := f.open(t, role.Door)
			t.Logf("%s: %d of %d opened in %v", f.name, opened, f.connections, time.Since(began).Round(time.Millisecond))
		})
	}
	opening.Wait()
	over.Store(true)
	group.Wait()
	for i, got := range tallies {
		t.Logf("%s: %d of %d answered, the slowest after %v", innocents[i].name, got.answered, got.asked, got.slowest.Round(time.Millisecond))
		if got.answered*100 < got.asked*99 {
			t.Errorf("%s: %d of %d answered; one was: %s", innocents[i].name, got.answered, got.asked, got.failed)
		}
	}
	role.CheckAlive(t)
}
