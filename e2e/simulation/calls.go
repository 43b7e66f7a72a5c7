//go:build e2e

package simulation

import (
	"strings"

	"github.com/clawdbot/clawgate/e2e/parts"
)

// model is the one that both servers have.
const model = parts.Model

const (
	hello = `"messages":[{"role":"user","content":"hello"}]`
	brief = `"options":{"num_predict":3}`
	// endless is a stream that goes on until somebody ends it.
	endless = `"options":{"num_predict":100000}`
	whole   = `"stream":false`
	// hot keeps a model from repeating itself, at which Ollama ends its answer. In
	// OpenAI's form a request without it sets the temperature to 1.
	hot = `"temperature":50`
)

// chat is a call of /api/chat with those fields beside the model.
func chat(fields ...string) call { return to("/api/chat", model, fields) }

// generate is a call of /api/generate.
func generate(fields ...string) call { return to("/api/generate", model, fields) }

// openAI is a call of /v1/chat/completions.
func openAI(fields ...string) call { return to("/v1/chat/completions", model, fields) }

func to(path, model string, fields []string) call {
	return call{path: path, body: "{" + strings.Join(append([]string{`"model":"` + model + `"`}, fields...), ",") + "}"}
}

// longRead is a prompt that takes a while to be read.
func longRead() string {
	return `"messages":[{"role":"user","content":"` + strings.Repeat("longword", 450) + `"}]`
}
