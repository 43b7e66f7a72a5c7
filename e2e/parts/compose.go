//go:build e2e

package parts

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// upTimeout bounds one call to Compose. The longest is the first build of the
// product's image on a busy machine with 2 cores.
const upTimeout = 15 * time.Minute

// Compose is a command that understands compose files: "docker-compose" (1.29
// from Debian) or the path that ComposeV2 returns.
type Compose string

// DebianCompose is docker-compose 1.29.
const DebianCompose Compose = "docker-compose"

// built keeps a test process from testing an image of older sources: the
// builder's cache answers in a second when nothing has changed.
var built sync.Once

// projects numbers the projects of a test process.
var projects atomic.Int64

// Project is one run of the product's compose files, with a project name and
// an Ollama container of its own, so that it can stand beside any other.
type Project struct {
	Name    string
	Ollama  Container
	Sidecar Container
	Gateway Container

	compose Compose
	env     []string
	root    string
}

// NewProject describes a project; nothing is started. The files are those of
// COMPOSE_FILE, relative to the repository's root; settings are what a person
// would write into .env or the shell. What the project made is removed when
// the test ends, its volumes too.
//
// All published ports are chosen by the engine unless set: see
// Container.PublishedAt. Where the engine may not lower a process's
// out-of-memory score, OOM_SCORE_ADJ is 0.
func NewProject(t testing.TB, compose Compose, files []string, settings map[string]string) *Project {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("clawgate-test-%s-%d", ID, projects.Add(1))
	p := &Project{
		Name:    name,
		Ollama:  Container{Name: name + "-ollama"},
		compose: compose,
		root:    root,
	}
	p.Sidecar, p.Gateway = p.service("sidecar"), p.service("gateway")
	env := map[string]string{
		"COMPOSE_FILE":         strings.Join(files, ":"),
		"COMPOSE_PROJECT_NAME": name,
		"CLAWGATE_CONTAINER":   p.Ollama.Name,
		"GATEWAY_PORT":         "0",
		"GATEWAY_ADMIN_PORT":   "0",
		"ADMIN_PORT":           "0",
	}
	maps.Copy(env, settings)
	if env["OOM_SCORE_ADJ"] == "" {
		ensure(t, BaseImage)
		env["OOM_SCORE_ADJ"] = oomScoreAdj()
	}
	p.env = os.Environ()
	for key, value := range env {
		p.env = append(p.env, key+"="+value)
	}
	return p
}

// Run calls Compose with the project's files and settings and returns what it
// printed.
func (p *Project) Run(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), upTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(p.compose), args...)
	cmd.Dir, cmd.Env = p.root, p.env
	out, err := run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Config is what Compose makes of the files, as YAML.
func (p *Project) Config(t testing.TB) string { t.Helper(); return p.Run(t, "config") }

// Up starts the project, or the given services of it, in the background.
func (p *Project) Up(t testing.TB, services ...string) {
	t.Helper()
	p.make(t, append([]string{"up", "-d"}, services...)...)
}

// Create makes the containers, or those of the given services, and starts none.
func (p *Project) Create(t testing.TB, services ...string) {
	t.Helper()
	p.make(t, append([]string{"up", "--no-start"}, services...)...)
}

// make has Compose make containers of images that are there and up to date.
func (p *Project) make(t testing.TB, args ...string) {
	t.Helper()
	for _, name := range []string{HAProxyImage, BuilderImage, OllamaImage} {
		ensure(t, name)
	}
	built.Do(func() { p.Run(t, "build") })
	t.Cleanup(func() { p.Down(t) })
	p.Run(t, args...)
}

// Down removes the project's containers, networks and volumes. It does not
// wait for streams to end.
func (p *Project) Down(t testing.TB) {
	t.Helper()
	p.Run(t, "down", "--volumes", "--remove-orphans", "--timeout", "5")
}

// Service is the container of a service. Compose v2 joins the parts of the name
// with dashes, 1.29 with underscores.
func (p *Project) Service(service string) Container {
	if service == "ollama" {
		return p.Ollama
	}
	return p.service(service)
}

func (p *Project) service(service string) Container {
	separator := "-"
	if p.compose == DebianCompose {
		separator = "_"
	}
	return Container{Name: strings.Join([]string{p.Name, service, "1"}, separator)}
}

// Door is the URL of the gateway as the machine reaches it.
func (p *Project) Door(t testing.TB) string {
	t.Helper()
	return "http://" + p.Gateway.PublishedAt(t, "8080/tcp")
}

// DoorAdmin is the URL of the gateway's admin listener as the machine reaches it.
func (p *Project) DoorAdmin(t testing.TB) string {
	t.Helper()
	return "http://" + p.Gateway.PublishedAt(t, "8081/tcp")
}

// PublishRelay is a file for NewProject that publishes the relay on this
// machine; without it only the gateway reaches it.
const PublishRelay = "e2e/parts/relay.yaml"

// Relay is the URL of the relay as the machine reaches it, see PublishRelay.
func (p *Project) Relay(t testing.TB) string {
	t.Helper()
	return "http://" + p.Sidecar.PublishedAt(t, "18789/tcp")
}

// Admin is the URL of the sidecar's admin listener as the machine reaches it.
func (p *Project) Admin(t testing.TB) string {
	t.Helper()
	return "http://" + p.Sidecar.PublishedAt(t, "18790/tcp")
}

// Server is the project's Ollama, called at its own address: by a client that
// bypasses the relay.
func (p *Project) Server(t testing.TB) Ollama {
	t.Helper()
	return Ollama{Container: p.Ollama, URL: "http://" + p.Ollama.Address(t) + ":11434"}
}

// oomScoreAdj is the product's default where the engine can set it, else 0:
// lowering the score needs CAP_SYS_RESOURCE, which some test machines lack.
var oomScoreAdj = sync.OnceValue(func() string {
	const wanted = "-900"
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	// Engines do not name the reason in plain words ("can't get final child's
	// PID"), so any refusal counts. What else is wrong shows at the next call.
	_, err := docker(ctx, "run", "--rm", "--label", label+"="+ID, "--network", "none", "--oom-score-adj", wanted, BaseImage, "true")
	if err != nil {
		return "0"
	}
	return wanted
})
