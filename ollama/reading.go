package ollama

import (
	"bytes"
	"encoding/json"

	"github.com/clawdbot/clawgate/members"
)

// reading is what was read of a request's body so far. It is read as Ollama's own
// decoder does, encoding/json into a struct: names in any case, the last of
// duplicates wins, and a null takes away what is optional and leaves alone what is
// not (api.GenerateRequest and api.ChatRequest of 0.9.6 and 0.32.14).
type reading struct {
	route Route

	model           string
	opaque, remote  bool
	stream          []byte // true, false, or empty for neither
	prompt          bool   // something is in it; so the following
	messages, input bool
	raw             bool
	template        bool
	suffix          bool
	keepAlive       KeepAlive
	options         options
	shift           []byte // true, false, or empty for neither

	maxTokens, maxCompletionTokens, maxOutputTokens tokens
}

func (r *reading) visit(m members.Member) {
	value := m.Value()
	if len(value) == 0 {
		return // of a prefix that is no JSON
	}
	switch {
	case m.Is("model"), r.route.Name == "/api/show" && m.Is("name"):
		r.readModel(value)
	case m.Is("stream"):
		r.stream = nil
		if value[0] == 't' || value[0] == 'f' {
			r.stream = value
		}
	case m.Is("prompt"):
		readPresent(&r.prompt, value)
	case m.Is("messages"):
		r.messages = value[0] != 'n'
		readPresent(&r.messages, value)
	case m.Is("input"):
		readPresent(&r.input, value)
	case m.Is("keep_alive"):
		r.keepAlive = readKeepAlive(value)
	case m.Is("options"):
		r.options.add(value)
	case m.Is("shift"):
		r.shift = nil
		if value[0] == 't' || value[0] == 'f' {
			r.shift = value
		}
	case m.Is("raw"):
		if value[0] != 'n' {
			r.raw = value[0] == 't'
		}
	case m.Is("template"):
		readPresent(&r.template, value)
	case m.Is("suffix"):
		readPresent(&r.suffix, value)
	case m.Is("max_tokens"):
		r.maxTokens = readTokens(value)
	case m.Is("max_completion_tokens"):
		r.maxCompletionTokens = readTokens(value)
	case m.Is("max_output_tokens"):
		r.maxOutputTokens = readTokens(value)
	}
}

// readPresent notes whether a value has anything in it.
func readPresent(present *bool, value []byte) {
	switch string(value[:min(len(value), 4)]) {
	case "null":
	case `""`:
		*present = false
	default:
		*present = len(bytes.Trim(value, "[] \t\r\n")) > 0
	}
}

// longest bounds the names that are decoded, in bytes. Ollama takes 593 for a
// whole one (types/model/name.go), and blanks around it and a scheme before it of
// any length.
const longest = 16 << 10

func (r *reading) readModel(value []byte) {
	var name string
	switch {
	case len(value) > longest:
		r.model, r.opaque, r.remote = "", true, true
	case value[0] == '"' && json.Unmarshal(value, &name) == nil: // else Ollama refuses the body, or leaves alone what it has
		r.model, r.opaque = name, false
		r.remote = r.remote || Remote(name)
	}
}

func (r *reading) peek() Peek {
	peek := Peek{
		Model: NormalizeModel(r.model), Opaque: r.opaque, Remote: r.remote, Streaming: r.route.StreamsByDefault,
		Options: RunnerOptions{}, bounds: r.bounds(),
	}
	if len(r.stream) > 0 && !r.route.Embedding {
		peek.Streaming = r.stream[0] == 't'
	}
	peek.Setup = setupOf(nil, nil)
	if r.route.API != Native {
		return peek // /v1 ignores options, and knows no load requests
	}
	peek.KeepAlive = r.keepAlive
	peek.Options = runnerOptionsOf(r.options)
	peek.Setup = setupOf(r.options, r.shift)
	empty := r.route.Name == "/api/generate" && !r.prompt || r.route.Name == "/api/chat" && !r.messages
	if empty {
		peek.Purpose = Load
		if r.keepAlive.zero() {
			peek.Purpose = Unload
		}
	}
	return peek
}

func (r *reading) mustSpeak(peek Peek) bool {
	asked := r.prompt || r.messages || r.input
	open := r.raw || r.template || r.suffix
	for _, bound := range peek.bounds {
		open = open || bound.tokens.given && bound.tokens.n <= 1 && bound.tokens.n >= 0
	}
	return asked && !open && peek.Purpose == Generate && len(peek.bounds) > 0
}
