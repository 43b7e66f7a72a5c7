package simulation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// model is one name in the server's list. Names made from each other share the
// weights, and the weights decide which runner serves them.
type model struct {
	Model
	digest     string   // of the weights, without "sha256:"
	manifest   string   // the digest of the manifest, which is the one that lists show
	adapters   []string // the digests of their files
	parameters map[string]any
	pulled     int64 // twentieths of it that are on the disk
	modified   time.Time
}

func newModel(m Model, modified time.Time) *model {
	m.Name = fullName(m.Name)
	m.Bytes = cmp.Or(m.Bytes, 1<<30)
	m.LoadTakes = cmp.Or(m.LoadTakes, 2*time.Second)
	m.FirstChunk = cmp.Or(m.FirstChunk, 100*time.Millisecond)
	m.TokenInterval = cmp.Or(m.TokenInterval, 20*time.Millisecond)
	m.Tokens = cmp.Or(m.Tokens, 32)
	m.PullTakes = cmp.Or(m.PullTakes, 10*time.Second)
	made := &model{
		Model: m, digest: sum(fullName(cmp.Or(m.Weights, m.Name))), parameters: map[string]any{}, modified: modified,
	}
	maps.Copy(made.parameters, m.Parameters)
	if m.Adapter != "" {
		made.adapters = []string{sum("adapter " + m.Adapter)}
	}
	made.seal()
	return made
}

// seal gives the model the digest of its manifest: that of all that has the same
// parts, whatever it is called.
func (m *model) seal() {
	m.manifest = sum(string(encode([]any{m.digest, m.adapters, m.System, m.parameters, m.Thinking, m.Embeds})))
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func fullName(name string) string {
	if name != "" && !strings.Contains(name, ":") {
		return name + ":latest"
	}
	return name
}

func (m *model) blob() string { return blobPath(m.digest) }

func blobPath(digest string) string { return "/root/.ollama/models/blobs/sha256-" + digest }

func (m *model) details() map[string]any {
	return map[string]any{
		"parent_model": "", "format": "gguf", "family": "qwen3", "families": []string{"qwen3"},
		"parameter_size": "32.8B", "quantization_level": "Q4_K_M",
	}
}

// find returns the model of that name, on the disk or not. w.mu is held, or the
// world is being made.
func (w *World) find(name string) *model {
	for _, m := range w.models {
		if w.release.spelled(m.Name) == w.release.spelled(name) {
			return m
		}
	}
	return nil
}

// local returns the model of that name if it is on the disk.
func (w *World) local(name string) *model {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.find(name); m != nil && !m.Missing {
		return m
	}
	return nil
}

// runnerOptions are those options whose change starts a new runner, with
// Ollama's defaults filled in.
type runnerOptions map[string]string

var runnerDefaults = runnerOptions{
	"num_ctx": "4096", "num_batch": "512", "num_gpu": "-1", "main_gpu": "0", "use_mmap": "null", "num_thread": "0",
}

// options joins Ollama's defaults, the model's parameters and a request's
// options, the later ones winning. w.mu is held.
func (m *model) options(asked *request, release release) runnerOptions {
	options := maps.Clone(runnerDefaults)
	for name := range options {
		if value, ok := m.parameters[name]; ok {
			options[name] = string(encode(value))
		}
		if value, ok := asked.Options[name]; ok {
			options[name] = string(value)
		}
	}
	if release.shifts() {
		options["shift"] = strconv.FormatBool(asked.Shift == nil || *asked.Shift)
	}
	return options
}

// sameFiles says that a runner of the one has what the other needs beside the weights.
func (m *model) sameFiles(other *model) bool { return slices.Equal(m.adapters, other.adapters) }

// same says whether a runner with options o serves a request with options p:
// a request that leaves num_gpu to Ollama takes what there is.
func (o runnerOptions) same(p runnerOptions) bool {
	o = maps.Clone(o)
	if p["num_gpu"] == "-1" {
		o["num_gpu"] = "-1"
	}
	return maps.Equal(o, p)
}

// parameterText is how /api/show prints the parameters. w.mu is held.
func (m *model) parameterText() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(m.parameters)) {
		lines = append(lines, fmt.Sprintf("%-30s %#v", name, m.parameters[name]))
	}
	return strings.Join(lines, "\n")
}
