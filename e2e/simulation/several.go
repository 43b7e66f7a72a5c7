//go:build e2e

package simulation

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/simulation"
)

// Models beside the one that every server has.
const (
	other    = "other:1b"
	embedder = "embedder:latest"
)

// startSeveral is a real server of that image that has several models.
func startSeveral(t *testing.T, image string) server {
	t.Helper()
	o := parts.StartOllama(t, parts.OllamaConfig{Image: image, Env: map[string]string{
		"OLLAMA_NUM_PARALLEL": strconv.Itoa(slots), "OLLAMA_MAX_QUEUE": strconv.Itoa(maxQueue),
	}})
	single := map[string]any{"num_thread": 1}
	o.CreateModel(t, model, tinymodel.Config{})
	o.CreateModel(t, other, tinymodel.Config{Seed: 1})
	// Heavy enough that a text keeps it busy for a while.
	o.CreateModelWith(t, embedder, tinymodel.Config{Embedding: 512, Layers: 8, Embeds: true}, map[string]any{"parameters": single})
	return genuine{o}
}

// simulateSeveral is a simulated server of that release that has the same.
func simulateSeveral(t *testing.T, version string) server {
	t.Helper()
	embeds := brisk(embedder)
	embeds.Embeds, embeds.Parameters = true, map[string]any{"num_thread": 1}
	return simulate(t, simulation.Config{Version: version, Models: []simulation.Model{brisk(model), brisk(other), embeds}})
}

// adapterFile is an adapter for the model, and its digest.
func adapterFile(t testing.TB) (file []byte, digest string) {
	t.Helper()
	var b bytes.Buffer
	if err := tinymodel.WriteAdapter(&b, tinymodel.Config{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), fmt.Sprintf("sha256:%x", sha256.Sum256(b.Bytes()))
}

// kept is where the whole files are while damaged ones are in their places.
const kept = "/tmp/kept/"

// fileOf is where the server has the file of an instruction in the model's modelfile.
func (g genuine) fileOf(t *testing.T, model, instruction string) string {
	t.Helper()
	r := call{path: "/api/show", body: `{"model":"` + model + `"}`}.to(t.Context(), g.URL)
	var reply struct{ Modelfile string }
	if err := json.Unmarshal([]byte(strings.Join(r.lines, "")), &reply); err != nil {
		t.Fatalf("cannot read what %s is: %v", model, err)
	}
	found := regexp.MustCompile(`(?m)^` + instruction + ` (/\S+)$`).FindStringSubmatch(reply.Modelfile)
	if found == nil {
		t.Fatalf("%s has no %s: %s", model, instruction, reply.Modelfile)
	}
	return found[1]
}

// replace runs a command that makes another file of one that is kept.
func (g genuine) replace(t *testing.T, file, command string) {
	t.Helper()
	g.Exec(t, "sh", "-c", "mkdir -p "+kept+" && cp "+file+" "+kept+" && "+strings.ReplaceAll(command, "FILE", file))
}

func (g genuine) damage(t *testing.T, model string, what simulation.Damage) {
	t.Helper()
	g.replace(t, g.fileOf(t, model, "FROM"), map[simulation.Damage]string{
		simulation.Half: "truncate -s 300000 FILE", simulation.Foreign: "echo another file than that > FILE", simulation.Gone: "rm FILE",
	}[what])
}

func (g genuine) breakAdapter(t *testing.T, model string) {
	t.Helper()
	g.replace(t, g.fileOf(t, model, "ADAPTER"), "truncate -s 200 FILE")
}

func (g genuine) mend(t *testing.T, _ string) {
	t.Helper()
	g.Exec(t, "sh", "-c", "cp "+kept+"* /root/.ollama/models/blobs/ && rm -r "+kept)
}

func (s simulated) damage(t *testing.T, model string, what simulation.Damage) {
	t.Helper()
	s.DamageFile(model, what)
}

func (s simulated) breakAdapter(t *testing.T, model string) { t.Helper(); s.BreakAdapter(model, true) }

func (s simulated) mend(t *testing.T, model string) { t.Helper(); s.Mend(model) }

// upload brings a file to the server to make a model from.
func (v *visit) upload(file []byte, digest string) {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.url()+"/api/blobs/"+digest, bytes.NewReader(file))
	must(v.T, err)
	response, err := client.Do(request)
	must(v.T, err)
	_ = response.Body.Close()
	if response.StatusCode/100 != 2 {
		v.Fatalf("cannot bring a file to the server: %s", response.Status)
	}
}
