//go:build e2e

package compose

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

const (
	base   = "compose/compose.yaml"
	gpu    = "compose/gpu.yaml"
	attach = "compose/attach.yaml"
)

// combinations are the lists of files that people put into COMPOSE_FILE.
var combinations = map[string][]string{
	"without a GPU":     {base},
	"with GPUs":         {base, gpu},
	"attached":          {base, attach},
	"attached and GPUs": {base, gpu, attach},
}

func TestOldAndNewComposeReadEveryCombination(t *testing.T) {
	for version, compose := range composes(t) {
		for name, files := range combinations {
			t.Run(version+" "+name, func(t *testing.T) {
				project := parts.NewProject(t, compose, files, map[string]string{"OOM_SCORE_ADJ": "-900"})
				services := strings.Fields(project.Run(t, "config", "--services"))
				if got := slices.Contains(services, "docker-guard") && slices.Contains(services, "sidecar"); !got {
					t.Errorf("services are %q, want the guard and the sidecar among them", services)
				}
				config := project.Config(t)
				if reserved, want := strings.Contains(config, "driver: nvidia"), slices.Contains(files, gpu); reserved != want {
					t.Errorf("GPUs are reserved: %t, want %t:\n%s", reserved, want, config)
				}
				if !strings.Contains(config, "oom_score_adj: -900") {
					t.Errorf("the out-of-memory score is not set:\n%s", config)
				}
			})
		}
	}
}

func TestRootSettingsFileNeedsNoArguments(t *testing.T) {
	root, err := parts.Root()
	if err != nil {
		t.Fatal(err)
	}
	for version, compose := range composes(t) {
		t.Run(version, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), string(compose), "config")
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range []string{"container_name: clawgate-ollama", "driver: nvidia", "CLAWGATE_MODEL: qwen3:32b"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("in a fresh clone the configuration lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

func TestContainersAreCreatedWithGPUsAndWithoutRights(t *testing.T) {
	project := parts.NewProject(t, parts.DebianCompose, []string{base, gpu}, nil)
	project.Create(t)

	for service, capabilities := range map[string]string{"ollama": "gpu", "sidecar": "gpu utility"} {
		host := inspect(t, project.Service(service)).HostConfig
		if len(host.DeviceRequests) != 1 || strings.Join(host.DeviceRequests[0].Capabilities[0], " ") != capabilities || host.DeviceRequests[0].Count != -1 {
			t.Errorf("%s requests devices %+v, want all with [%s]", service, host.DeviceRequests, capabilities)
		}
	}
	if mode := inspect(t, project.Sidecar).HostConfig.PidMode; mode != "host" {
		t.Errorf("the sidecar's process namespace is %q, want the host's", mode)
	}
	for _, service := range []string{"docker-guard", "sidecar", "gateway"} {
		checkNoRights(t, service, inspect(t, project.Service(service)))
	}
	for _, service := range []string{"ollama", "docker-guard", "sidecar", "gateway"} {
		socket := strings.Contains(strings.Join(inspect(t, project.Service(service)).HostConfig.Binds, " "), "docker.sock")
		if socket != (service == "docker-guard") {
			t.Errorf("%s mounts the engine's socket: %t", service, socket)
		}
	}
	for _, service := range []string{"sidecar", "gateway"} {
		if user := inspect(t, project.Service(service)).Config.User; user != "10001:10001" {
			t.Errorf("the %s runs as %q, want 10001:10001", service, user)
		}
	}
	checkDoor(t, project)
	if policy := inspect(t, project.Ollama).HostConfig.RestartPolicy.Name; policy != "unless-stopped" {
		t.Errorf("Ollama's restart policy is %q, want unless-stopped", policy)
	}
}

// checkDoor checks that one port is public, the gateway's, and that the gateway
// has neither a GPU nor a way to Ollama.
func checkDoor(t *testing.T, project *parts.Project) {
	t.Helper()
	door, ollama := inspect(t, project.Gateway), inspect(t, project.Ollama)
	if door.HostConfig.DeviceRequests != nil || door.HostConfig.PidMode != "" {
		t.Errorf("the gateway has devices %+v and the process namespace %q", door.HostConfig.DeviceRequests, door.HostConfig.PidMode)
	}
	for network := range ollama.NetworkSettings.Networks {
		if _, shared := door.NetworkSettings.Networks[network]; shared {
			t.Errorf("the gateway shares the network %s with Ollama", network)
		}
	}
	for _, service := range []string{"ollama", "docker-guard", "sidecar", "gateway"} {
		for port, bindings := range inspect(t, project.Service(service)).HostConfig.PortBindings {
			for _, binding := range bindings {
				if public := binding.HostIP != "127.0.0.1"; public != (service == "gateway" && port == "8080/tcp") {
					t.Errorf("%s publishes %s on %q", service, port, binding.HostIP)
				}
			}
		}
	}
}

// checkNoRights checks what holds for every service of ours.
func checkNoRights(t *testing.T, service string, c container) {
	t.Helper()
	host := c.HostConfig
	if !host.ReadonlyRootfs || !slices.Equal(host.CapDrop, []string{"ALL"}) || host.CapAdd != nil || host.Privileged {
		t.Errorf("%s: read-only root %t, dropped %q, added %q, privileged %t", service, host.ReadonlyRootfs, host.CapDrop, host.CapAdd, host.Privileged)
	}
	if !slices.Contains(host.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("%s can gain privileges: %q", service, host.SecurityOpt)
	}
	if host.Memory == 0 || host.RestartPolicy.Name != "always" {
		t.Errorf("%s: memory limit %d, restart policy %q", service, host.Memory, host.RestartPolicy.Name)
	}
	if c.Config.Healthcheck == nil {
		t.Errorf("%s has no health check", service)
	}
}

func TestUpServesTheModelAndEveryServiceIsHealthy(t *testing.T) {
	project := parts.NewProject(t, parts.DebianCompose, []string{base}, map[string]string{"CLAWGATE_PULL": "false"})
	project.Up(t)
	server := project.Server(t)
	server.AwaitUp(t)
	server.CreateModel(t, parts.Model, tinymodel.Config{})
	for _, service := range []string{"docker-guard", "sidecar", "gateway"} {
		parts.Await(t, time.Minute, service+" to be healthy", func() bool {
			return project.Service(service).Health(t) == "healthy"
		})
	}
	checkServes(t, project)
}

func TestAttachedSidecarServesAnOllamaThatItDidNotStart(t *testing.T) {
	ollama := parts.StartOllama(t, parts.OllamaConfig{Publish: true})
	ollama.CreateModel(t, parts.Model, tinymodel.Config{})
	_, port, _ := strings.Cut(ollama.PublishedAt(t, "11434/tcp"), ":")

	project := parts.NewProject(t, parts.DebianCompose, []string{base, attach}, map[string]string{
		"CLAWGATE_CONTAINER":  ollama.Name,
		"CLAWGATE_OLLAMA_URL": "http://host.docker.internal:" + port,
		"CLAWGATE_PULL":       "false",
	})
	project.Up(t)
	if started := project.Run(t, "ps", "-q", "ollama"); started != "" {
		t.Errorf("a second Ollama was started: %q", started)
	}
	checkServes(t, project)
}

// checkServes waits until the sidecar is ready and has an answer through it.
func checkServes(t *testing.T, project *parts.Project) {
	t.Helper()
	parts.Await(t, 2*time.Minute, "the sidecar to be ready", func() bool {
		return status(t, project.Admin(t)+"/-/ready") == http.StatusOK
	})
	answer, err := parts.Chat{URL: project.Door(t), Model: parts.Model, Tokens: 10}.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !answer.Complete() {
		t.Errorf("through the gateway: %s", answer)
	}
}

// status is what a URL answers with, or 0 when nobody listens.
func status(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// container is what these tests read of the engine's inspection.
type container struct {
	State  struct{ Status string }
	Config struct {
		Cmd, Entrypoint, Env []string

		User        string
		Healthcheck *struct{ Test []string }
	}
	HostConfig struct {
		Binds, CapAdd, CapDrop, SecurityOpt, ExtraHosts []string

		DeviceRequests []struct {
			Count        int
			Capabilities [][]string
		}
		PortBindings   map[string][]struct{ HostIP string }
		Memory         int64
		NetworkMode    string
		PidMode        string
		Privileged     bool
		ReadonlyRootfs bool
		RestartPolicy  struct{ Name string }
	}
	NetworkSettings struct{ Networks map[string]struct{} }
}

func inspect(t *testing.T, c parts.Container) container {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "container", "inspect", c.Name).Output()
	if err != nil {
		t.Fatalf("cannot inspect %q: %v", c.Name, err)
	}
	var found []container
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// composes are the two generations that the files must work with.
func composes(t *testing.T) map[string]parts.Compose {
	t.Helper()
	v2, err := parts.ComposeV2(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]parts.Compose{"1.29": parts.DebianCompose, "v2": parts.Compose(v2)}
}
