package ollama

import (
	"cmp"
	"encoding/json"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What Ollama assumes where a model's name leaves a part out
// (types/model/name.go of Ollama).
const (
	defaultHost      = "registry.ollama.ai"
	defaultNamespace = "library"
	defaultTag       = "latest"
)

// NormalizeModel gives every spelling of one model's name one form: defaults
// left out in front, the tag always there, lower case. "Qwen3",
// "qwen3:latest" and "registry.ollama.ai/library/qwen3" are all
// "qwen3:latest". Ollama compares names without regard to case, so a gate by
// model that did not could be walked around. An empty name stays empty.
func NormalizeModel(name string) string {
	if name == "" {
		return ""
	}
	rest, tag := name, ""
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		rest, tag = name[:colon], name[colon+1:]
	}
	rest, model := cutLast(rest)
	host, namespace := cutLast(rest)
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	host = strings.ToLower(cmp.Or(host, defaultHost))
	namespace = strings.ToLower(cmp.Or(namespace, defaultNamespace))
	short := strings.ToLower(model) + ":" + strings.ToLower(cmp.Or(tag, defaultTag))
	switch {
	case host != defaultHost:
		return host + "/" + namespace + "/" + short
	case namespace != defaultNamespace:
		return namespace + "/" + short
	}
	return short
}

// cutLast splits s at its last slash; without one, all of it is the last part.
func cutLast(s string) (before, last string) {
	if slash := strings.LastIndexByte(s, '/'); slash >= 0 {
		return s[:slash], s[slash+1:]
	}
	return "", s
}

// RunnerOptions are the options of a request that decide which runner serves
// it, as the client wrote them. A request whose options differ from those that
// the loaded runner was started with makes Ollama kill that runner and load the
// model again (`needsReload`; seen on 0.9.6 and 0.17.4).
type RunnerOptions map[string]json.RawMessage

// runnerOptionNames are the fields of Ollama's api.Runner.
var runnerOptionNames = map[string]bool{
	"num_ctx": true, "num_batch": true, "num_gpu": true,
	"main_gpu": true, "use_mmap": true, "num_thread": true,
}

// RunnerOptionsOf keeps the runner options of all the options of a request.
// Ollama looks options up by their exact name, and a null is as good as absent.
func RunnerOptionsOf(options map[string]json.RawMessage) RunnerOptions {
	kept := RunnerOptions{}
	for name, value := range options {
		if runnerOptionNames[name] && string(value) != "null" {
			kept[name] = value
		}
	}
	return kept
}

var setupSeed = maphash.MakeSeed()

// setupOf is one number for one set of runner options, whatever their order.
func setupOf(options RunnerOptions, shift *bool) uint64 {
	var hash maphash.Hash
	hash.SetSeed(setupSeed)
	for _, name := range slices.Sorted(maps.Keys(options)) {
		_, _ = hash.WriteString(name + "=" + string(options[name]) + ";") // a hash takes everything
	}
	if shift != nil {
		_, _ = hash.WriteString("shift=" + strconv.FormatBool(*shift))
	}
	return hash.Sum64()
}
