//go:build e2e

package guard

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/dockerctl/dockerctltest"
)

// raw sends request as it is and returns the status of the answer, 0 when the
// connection was closed without one.
func raw(t *testing.T, network, address, request string) (int, string) {
	t.Helper()
	conn, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, ""
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	return response.StatusCode, string(body)
}

// line is a request that consists of its first line and a host.
func line(first string) string {
	return first + " HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
}

// with is a request with more header lines, and a body.
func with(first, headers, body string) string {
	return first + " HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n" + headers + "\r\n" + body
}

// state is all that a call could have changed: the engine's containers with what
// was done to them, its images, networks and volumes.
func state(t *testing.T, names ...string) string {
	t.Helper()
	const format = "{{.Id}} {{.Name}} {{.State.Status}} {{.State.StartedAt}} {{.State.FinishedAt}} {{.RestartCount}} {{.ExecIDs}} {{.HostConfig.RestartPolicy}} {{.HostConfig.Memory}} {{.HostConfig.Privileged}} {{.HostConfig.Binds}}"
	told := dockerctltest.Docker(t, append([]string{"inspect", "--format", format}, names...)...)
	for _, name := range names {
		told += "\n" + dockerctltest.Docker(t, "diff", name)
	}
	return told
}

// made lists what a call could have made under names that only this test uses.
func made(t *testing.T) string {
	t.Helper()
	return dockerctltest.Docker(t, "ps", "--all", "--quiet", "--filter", "name=clawgate-evil") +
		dockerctltest.Docker(t, "images", "--quiet", "clawgate-evil") +
		dockerctltest.Docker(t, "volume", "ls", "--quiet", "--filter", "name=clawgate-evil") +
		dockerctltest.Docker(t, "network", "ls", "--quiet", "--filter", "name=clawgate-evil")
}

func TestNothingElseReachesTheEngine(t *testing.T) {
	refuses(t, nil, refused, helperCalls, helperRefused)
}

func TestOnlyOneWordOpensTheVariant(t *testing.T) {
	for _, env := range []string{"GUARD_GPU_RESET=false", "GUARD_GPU_RESET=", "GUARD_GPU_RESET=True", "GUARD_GPU_RESET=true true"} {
		refuses(t, []string{env}, helperCalls)
	}
}

func TestTheVariantForAResetOpensNothingElse(t *testing.T) {
	refuses(t, []string{"GUARD_GPU_RESET=true"}, refused, helperRefused)
}

// refuses sends all requests to a guard, and checks that the engine hears of none.
func refuses(t *testing.T, env []string, sets ...map[string][]string) {
	t.Helper()
	ours, other := dockerctltest.Name(), dockerctltest.Name()
	helper := ours + "-gpu-reset"
	all := []string{ours, other, helper}
	for _, name := range all {
		dockerctltest.Run(t, name)
	}
	g := start(t, ours, dockerctltest.Socket(t), env...)
	id := func(name string) string { return dockerctltest.Docker(t, "inspect", "--format", "{{.Id}}", name) }
	names := strings.NewReplacer("OURS", ours, "OTHER", other, "ours", strings.ToUpper(ours),
		"IMAGE", dockerctltest.Image(t), "HELPERID", id(helper), "ID", id(ours))
	before := state(t, all...)
	answers := map[int]int{}
	for _, set := range sets {
		for group, requests := range set {
			for _, request := range requests {
				request = names.Replace(request)
				status, body := raw(t, "unix", g.socket, request)
				if status != http.StatusForbidden && status != http.StatusBadRequest { // 400: what is no HTTP/1
					t.Errorf("%s: got %d, want 403 or 400: %q: %.200s", group, status, request, body)
				}
				answers[status]++
			}
			if after := state(t, all...) + made(t); after != before {
				t.Fatalf("after %s: the engine did something:\nbefore %s\nafter  %s", group, before, after)
			}
		}
	}
	t.Logf("answers by status: %v", answers)
	if status, body := raw(t, "unix", g.socket, names.Replace(line("GET /v1.41/containers/OURS/json"))); status != http.StatusOK {
		t.Errorf("and the sidecar's own call: %d %s", status, body)
	}
}

// A request that passes opens nothing for the next one on its connection.
func TestEveryRequestOfAConnectionIsJudged(t *testing.T) {
	ours, other := dockerctltest.Name(), dockerctltest.Name()
	dockerctltest.Run(t, ours)
	dockerctltest.Run(t, other)
	g := start(t, ours, dockerctltest.Socket(t))
	before := state(t, ours, other)
	conn, err := net.Dial("unix", g.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	requests := "GET /v1.41/containers/" + ours + "/json HTTP/1.1\r\nHost: docker\r\n\r\n" + line("POST /v1.41/containers/"+other+"/stop?t=1")
	if _, err := io.WriteString(conn, requests); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("got %d, want %d", response.StatusCode, want)
		}
	}
	if after := state(t, ours, other); after != before {
		t.Errorf("the engine did something:\nbefore %s\nafter  %s", before, after)
	}
}

// HTTP/2 would bring a body in without a length.
func TestHTTP2IsNotSpoken(t *testing.T) {
	ours := dockerctltest.Name()
	dockerctltest.Run(t, ours)
	g := start(t, ours, dockerctltest.Socket(t))
	before := state(t, ours)
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", g.socket)
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Post(
		fmt.Sprintf("http://docker/v1.41/containers/%s/restart?t=1", ours), "", io.NopCloser(strings.NewReader("{}")))
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("answered %s", response.Status)
	}
	if after := state(t, ours); after != before {
		t.Errorf("the engine did something:\nbefore %s\nafter  %s", before, after)
	}
}

// A guard whose name is none, or could be the beginning of an ID, refuses all.
func TestABadNameOpensNothing(t *testing.T) {
	ours := dockerctltest.Name()
	dockerctltest.Run(t, ours)
	id := dockerctltest.Docker(t, "inspect", "--format", "{{.Id}}", ours)
	for _, name := range []string{id, id[:12], "json?all=1", "..", "x/../" + ours, ""} {
		g := start(t, name, dockerctltest.Socket(t))
		for _, path := range []string{"/v1.41/containers/" + name + "/json", "/v1.41/containers/json?all=1", "/v1.41/containers/" + ours + "/json"} {
			if status, body := raw(t, "unix", g.socket, line("GET "+path)); status == http.StatusOK {
				t.Errorf("name %q: GET %s: %d %.80s", name, path, status, body)
			}
		}
	}
}

func TestTheHealthCheckLeadsNowhere(t *testing.T) {
	ours := dockerctltest.Name()
	dockerctltest.Run(t, ours)
	g := start(t, ours, dockerctltest.Socket(t))
	if status, body := raw(t, "tcp", g.health, line("GET /healthy")); status != http.StatusOK || body != "guard is up" {
		t.Errorf("got %d %q", status, body)
	}
	before := state(t, ours)
	for _, call := range []string{"GET /_ping", "GET /v1.41/containers/" + ours + "/json", "POST /v1.41/containers/" + ours + "/restart?t=1", "GET /healthy/..", "POST /healthy"} {
		if status, body := raw(t, "tcp", g.health, line(call)); status != http.StatusForbidden {
			t.Errorf("%s: got %d %.80s", call, status, body)
		}
	}
	if after := state(t, ours); after != before {
		t.Errorf("the engine did something:\nbefore %s\nafter  %s", before, after)
	}
}
