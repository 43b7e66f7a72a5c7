//go:build e2e

package parts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// Model is the name that the product's defaults expect.
const Model = "qwen3:32b"

// OllamaConfig says how an Ollama container is started. The zero value is one
// like the compose file's, under a name of its own.
type OllamaConfig struct {
	Name    string            // made up when empty
	Image   string            // OllamaImage when empty
	CPUs    string            // engine's --cpus; no limit when empty
	Env     map[string]string // OLLAMA_NUM_PARALLEL and the like
	Restart string            // restart policy; unless-stopped when empty
	// Models is a volume to keep the models in, so that they outlive the
	// container. Without one they are lost with it.
	Models string
	// Publish makes the server reachable at a port of the machine, on all its
	// addresses: see Container.PublishedAt.
	Publish bool
}

// Ollama is a real Ollama server in a container.
type Ollama struct {
	Container
	URL string // stays the same when the container is started again
}

// StartOllama starts a real Ollama and waits until it answers. The container
// has a network of its own, where it is the only one, so that it gets the same
// address at each start. Both are removed when the test ends.
func StartOllama(t testing.TB, config OllamaConfig) Ollama {
	t.Helper()
	config.Image = cmp.Or(config.Image, OllamaImage)
	ensure(t, config.Image)
	if config.Name == "" {
		config.Name = newName()
	}
	mark := label + "=" + ID
	mustDocker(t, "network", "create", "--label", mark, config.Name)
	t.Cleanup(func() { remove(t, "network", "rm", config.Name) })
	o := Ollama{Container: Container{Name: config.Name}}
	t.Cleanup(func() { o.Remove(t) })
	mustDocker(t, config.arguments(mark)...)
	o.URL = "http://" + o.Address(t) + ":11434"
	o.AwaitUp(t)
	return o
}

// newName is a name that nothing in the engine has. `make e2e-clean` knows such
// names by their beginning.
func newName() string {
	return strings.ToLower(fmt.Sprintf("clawgate-test-%s-%s", ID, rand.Text()[:6]))
}

func (c OllamaConfig) arguments(mark string) []string {
	restart := c.Restart
	if restart == "" {
		restart = "unless-stopped"
	}
	args := []string{"run", "-d", "--name", c.Name, "--network", c.Name, "--label", mark, "--restart", restart}
	if c.CPUs != "" {
		args = append(args, "--cpus", c.CPUs)
	}
	if c.Models != "" {
		args = append(args, "-v", c.Models+":/root/.ollama")
	}
	if c.Publish {
		args = append(args, "-p", "11434")
	}
	for name, value := range c.Env {
		args = append(args, "-e", name+"="+value)
	}
	return append(args, c.Image)
}

// Volume makes a volume for OllamaConfig.Models and removes it when the test
// ends. Make it before the containers that use it.
func Volume(t testing.TB) string {
	t.Helper()
	name := mustDocker(t, "volume", "create", "--label", label+"="+ID, newName())
	t.Cleanup(func() { remove(t, "volume", "rm", name) })
	return name
}

// AwaitUp waits until the server answers. A model need not be loaded.
func (o Ollama) AwaitUp(t testing.TB) {
	t.Helper()
	Await(t, 30*time.Second, "Ollama at "+o.URL, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := o.call(ctx, http.MethodGet, "/api/version", nil)
		return err == nil
	})
}

// CreateModel makes a tiny model in the server under the given name.
func (o Ollama) CreateModel(t testing.TB, name string, config tinymodel.Config) {
	t.Helper()
	o.CreateModelWith(t, name, config, nil)
}

// CreateModelWith is CreateModel with further fields of /api/create, which
// replace those that it sends by itself ("template", "parameters").
func (o Ollama) CreateModelWith(t testing.TB, name string, config tinymodel.Config, fields map[string]any) {
	t.Helper()
	var file bytes.Buffer
	if err := tinymodel.Write(&file, config); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file.Bytes()))
	o.must(t, http.MethodPost, "/api/blobs/"+digest, &file)

	request := map[string]any{
		"model":      name,
		"files":      map[string]string{"tiny.gguf": digest},
		"template":   tinymodel.Template,
		"parameters": tinymodel.Parameters(),
		"stream":     false,
	}
	for field, value := range fields {
		request[field] = value
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if status := o.must(t, http.MethodPost, "/api/create", bytes.NewReader(body)); !strings.Contains(string(status), "success") {
		t.Fatalf("cannot create model %q: %s", name, status)
	}
}

// Load loads a model and waits until it is loaded.
func (o Ollama) Load(t testing.TB, model string) {
	t.Helper()
	o.must(t, http.MethodPost, "/api/generate", strings.NewReader(fmt.Sprintf(`{"model":%q,"keep_alive":-1,"stream":false}`, model)))
}

// Loaded are the names of the loaded models.
func (o Ollama) Loaded(t testing.TB) []string {
	t.Helper()
	var reply struct{ Models []struct{ Name string } }
	if err := json.Unmarshal(o.must(t, http.MethodGet, "/api/ps", nil), &reply); err != nil {
		t.Fatalf("cannot read the loaded models: %v", err)
	}
	var names []string
	for _, model := range reply.Models {
		names = append(names, model.Name)
	}
	return names
}

// must calls the server and ends the test unless it answers 2xx.
func (o Ollama) must(t testing.TB, method, path string, body io.Reader) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	reply, err := o.call(ctx, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func (o Ollama) call(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, o.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("cannot make the request: %w", err)
	}
	response, err := chatClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("cannot call %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	reply, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of %s: %w", path, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s answered %s: %s", path, response.Status, reply)
	}
	return reply, nil
}
