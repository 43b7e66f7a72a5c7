//go:build e2e

// Package clients tests what people point at Ollama, at each generation of it
// that they run: requests in ordinary and odd forms, its own command line, and the
// usual libraries. What comes through the sidecar's relay and the gateway is what
// Ollama itself says, or a refusal that a setting asked for.
//
// Nothing is broken here; that is for package recovery.
package clients

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// key is one that the keyed door knows, as alice's. It is one that a path can hold.
const key = "0123456789-abc~def"

// stand is one Ollama with a model that answers, and the two layers before it.
type stand struct {
	parts.Release
	server  parts.Ollama
	sidecar parts.Role
	gateway parts.Role // everything is allowed, nobody needs a key
}

// older says that it is of the generation that has its runner built in.
func (s *stand) older() bool { return s.Image == parts.OllamaImage }

// onEach runs a test with each generation of Ollama.
func onEach(t *testing.T, test func(*testing.T, *stand)) {
	for _, release := range parts.Releases() {
		t.Run(release.Version, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, release))
		})
	}
}

func start(t *testing.T, release parts.Release) *stand {
	t.Helper()
	s := &stand{Release: release, server: parts.StartOllama(t, parts.OllamaConfig{Image: release.Image})}
	s.server.CreateModel(t, parts.Model, tinymodel.Config{})
	s.sidecar = parts.StartRole(t, "sidecar", map[string]string{
		"CLAWGATE_OLLAMA_URL": s.server.URL, "CLAWGATE_PULL": "false", "CLAWGATE_GPU": "off", "CLAWGATE_STATE_DIR": "", "CLAWGATE_HEALTH_LOG": "",
	})
	s.gateway = s.door(t, nil)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the sidecar's log:\n%.8000s", s.sidecar.Logs(t))
			t.Logf("the gateway's log:\n%.8000s", s.gateway.Logs(t))
		}
	})
	return s
}

// door starts a gateway before the stand's sidecar and waits until it lets in.
func (s *stand) door(t *testing.T, settings map[string]string) parts.Role {
	t.Helper()
	all := map[string]string{"CLAWGATE_GATEWAY_SIDECARS": "http://" + s.sidecar.Door, "CLAWGATE_GATEWAY_ALLOW": "inference,inspect,manage"}
	for name, value := range settings {
		all[name] = value
	}
	door := parts.StartRole(t, "gateway", all)
	parts.Await(t, time.Minute, "the gateway to be ready", func() bool {
		answer, err := request{method: "GET", path: "/-/ready"}.send(t.Context(), "http://"+door.Door)
		return err == nil && answer.status == 200
	})
	return door
}

// keyed is a door for those who have a key, at the path /ollama of its host.
func (s *stand) keyed(t *testing.T) parts.Role {
	t.Helper()
	return s.door(t, map[string]string{
		"CLAWGATE_GATEWAY_API_KEYS": "alice:" + key, "CLAWGATE_GATEWAY_KEY_IN_PATH": "true", "CLAWGATE_GATEWAY_BASE_PATH": "/ollama",
	})
}

// isUnharmed: nothing that was asked spoke against the server, and its sidecar was
// never put aside.
func (s *stand) isUnharmed(t *testing.T) {
	t.Helper()
	status, err := request{method: "GET", path: "/-/status"}.send(t.Context(), "http://"+s.sidecar.Admin)
	if err != nil {
		t.Fatal(err)
	}
	var now admin.Status
	if err := json.Unmarshal(status.body, &now); err != nil || now.State != "ready" || now.Generation != 1 {
		t.Errorf("the sidecar is %s, generation %d: %v", now.State, now.Generation, err)
	}
	if moved := s.metrics(t, "clawgate_gateway_requests_moved_total"); len(moved) != 1 || !strings.HasSuffix(moved[0], " 0") {
		t.Errorf("requests looked for another sidecar: %q", moved)
	}
	if changes := strings.Count(s.gateway.Logs(t), `"msg":"sidecar"`); changes > 2 { // loading, ready
		t.Errorf("the gateway has seen the sidecar change %d times", changes)
	}
}

// metrics are the gateway's series that begin so.
func (s *stand) metrics(t *testing.T, series string) (lines []string) {
	t.Helper()
	all, err := request{method: "GET", path: "/metrics"}.send(t.Context(), "http://"+s.gateway.Admin)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(all.body)) {
		if strings.HasPrefix(line, series) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
