//go:build e2e

package parts

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ClawgateImage is the product's own, which `make e2e` builds.
// CLAWGATE_TEST_IMAGE names another one for a test of it.
var ClawgateImage = cmp.Or(os.Getenv("CLAWGATE_TEST_IMAGE"), "clawgate:latest")

// Role is one role of the product in a container of its own, in the machine's
// network, so that loopback's many addresses reach it as they are.
type Role struct {
	Container
	Door, Admin string // host:port, on loopback
	started     time.Time
}

// StartRole starts `clawgate gateway` or `clawgate sidecar` at the memory limits
// of the compose file, and waits until it answers. The environment is without
// the variables of its addresses.
func StartRole(t testing.TB, role string, env map[string]string) Role {
	t.Helper()
	r := Role{Container: Container{Name: newName()}, Door: freeAddress(t), Admin: freeAddress(t)}
	prefix := map[string]string{"gateway": "CLAWGATE_GATEWAY_", "sidecar": "CLAWGATE_"}[role]
	memory := composeDefault(t, strings.ToUpper(role)+"_MEMORY")
	args := []string{
		"run", "-d", "--name", r.Name, "--label", label + "=" + ID, "--network", "host", "--memory", memory, "--memory-swap", memory,
		"-e", "GOMEMLIMIT=" + composeDefault(t, strings.ToUpper(role)+"_GOMEMLIMIT"),
		"-e", prefix + "LISTEN=" + r.Door, "-e", prefix + "ADMIN_LISTEN=" + r.Admin,
	}
	for name, value := range env {
		args = append(args, "-e", name+"="+value)
	}
	t.Cleanup(func() { r.Remove(t) })
	mustDocker(t, append(args, ClawgateImage, role)...)
	r.started = r.StartedAt(t)
	Await(t, 30*time.Second, "the "+role, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Admin+"/-/healthy", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := chatClient.Do(request)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return r
}

// CheckAlive fails the test when the role has ended since it was started, and
// tells the most memory that it has taken.
func (r Role) CheckAlive(t testing.TB) {
	t.Helper()
	if status := r.Status(t); status != "running" || r.RestartCount(t) != 0 || !r.StartedAt(t).Equal(r.started) {
		t.Fatalf("it is %s, out of memory: %s; its log ends with\n%.2000s", status, r.inspect(t, "{{.State.OOMKilled}}"), r.Logs(t))
	}
	peak := r.Exec(t, "sh", "-c", "cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak 2>/dev/null || true")
	t.Logf("the most memory so far: %s bytes", peak)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// composeDefault is the value that the compose file gives a variable of its own.
func composeDefault(t testing.TB, variable string) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "compose", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(fmt.Sprintf(`\$\{%s:-([^}]+)\}`, variable)).FindSubmatch(text)
	if found == nil {
		t.Fatalf("the compose file does not name %s", variable)
	}
	return string(found[1])
}
