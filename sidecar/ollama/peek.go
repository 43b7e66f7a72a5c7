package ollama

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// Purpose is what an inference request is for.
type Purpose int

const (
	Generate Purpose = iota
	// Load is a request without a prompt: it loads the model and answers
	// without having worked.
	Load
	// Unload is a load request with a keep_alive of zero: it reaches no runner.
	Unload
)

// Peek is what a request's body asks for, as far as the relay must know.
type Peek struct {
	// Model is normalised; empty when the body names none.
	Model string
	// Opaque says that the model could not be found out although Ollama might
	// find one: the body was too large to be read whole.
	Opaque    bool
	Streaming bool
	Purpose   Purpose
	Options   RunnerOptions
	// Setup stands for what the request wants the model's runner to be started
	// with: the runner options and, where it says so, shift, which counts since 0.30
	// (`needsReload`; read in 0.32.14). It is a hash, the same in one process only.
	Setup uint64
	// KeepAlive is how long the model is to stay in memory afterwards; nil where the
	// request does not say, negative for ever.
	KeepAlive *time.Duration
	// MustSpeak says that an answer without a word is no answer: a model is asked
	// for text, of more than one token. It is false for embeddings, loads, a raw
	// prompt or one with a template of its own, a gap to be filled in (which may
	// need nothing), and where the body was not read whole.
	MustSpeak bool

	bounds  []bound // what bounds the answer's tokens, for Cap
	closing int     // where the body's closing brace is; 0 where it is not known
}

// requestBody is read by encoding/json just as Ollama's own decoder reads it:
// names in any case, the last of duplicates wins, null leaves a field alone.
type requestBody struct {
	Model     modelName `json:"model"`
	Stream    *bool     `json:"stream"`
	Prompt    emptiness `json:"prompt"`
	Messages  emptiness `json:"messages"`
	Input     emptiness `json:"input"`
	KeepAlive keepAlive `json:"keep_alive"`
	Options   options   `json:"options"`
	Shift     *bool     `json:"shift"`

	Raw      bool      `json:"raw"`
	Template emptiness `json:"template"`
	Suffix   emptiness `json:"suffix"`

	MaxTokens           tokens `json:"max_tokens"`
	MaxCompletionTokens tokens `json:"max_completion_tokens"`
	MaxOutputTokens     tokens `json:"max_output_tokens"`
}

// PeekBody reads what a whole request body asks for. A body that is not JSON
// gives a Peek without a model, and Ollama is the one to say what is wrong with
// it. It never fails, keeps nothing of body, and takes little memory however
// large that is: what it took would be in no budget.
func PeekBody(route Route, body []byte) Peek {
	var read requestBody
	err := json.Unmarshal(body, &read)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		// Ollama decodes the first JSON value and ignores what follows. That is
		// what the error is about, or there is no whole value.
		read = requestBody{}
		body = body[:max(0, syntax.Offset-1)]
		err = json.Unmarshal(body, &read)
	}
	peek := read.peek(route)
	if !errors.As(err, &syntax) {
		peek.closing = closingBrace(body)
	}
	peek.MustSpeak = read.mustSpeak(peek)
	return peek
}

// PeekPrefix reads what it can from the beginning of a body that is too large
// to be held. A model that is named only after the prefix is not found, and
// the Peek is Opaque. Such a body is taken to hold a prompt.
func PeekPrefix(route Route, prefix []byte) Peek {
	var read requestBody
	decoder := json.NewDecoder(bytes.NewReader(prefix))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return Peek{Opaque: true}
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			break
		}
		// One member at a time through the same struct, so that names are
		// matched as in a whole body.
		member, _ := json.Marshal(map[string]json.RawMessage{name.(string): value})
		_ = json.Unmarshal(member, &read)
	}
	read.Prompt.present, read.Messages.present = true, true
	peek := read.peek(route)
	peek.Opaque = peek.Model == ""
	return peek
}

func (b *requestBody) peek(route Route) Peek {
	peek := Peek{Model: NormalizeModel(string(b.Model)), Streaming: route.StreamsByDefault, Options: RunnerOptions{}, bounds: b.bounds(route)}
	if b.Stream != nil && !route.Embedding {
		peek.Streaming = *b.Stream
	}
	peek.Setup = setupOf(RunnerOptions{}, nil)
	if route.API != Native {
		return peek // /v1 ignores options, and knows no load requests
	}
	peek.Options, peek.KeepAlive = RunnerOptionsOf(b.Options), b.KeepAlive.given
	peek.Setup = setupOf(peek.Options, b.Shift)
	empty := route.Name == "/api/generate" && !b.Prompt.present || route.Name == "/api/chat" && !b.Messages.present
	if empty {
		peek.Purpose = Load
		if b.KeepAlive.zero {
			peek.Purpose = Unload
		}
	}
	return peek
}

func (b *requestBody) mustSpeak(peek Peek) bool {
	asked := b.Prompt.present || b.Messages.present || b.Input.present
	open := b.Raw || b.Template.present || b.Suffix.present
	for _, bound := range peek.bounds {
		open = open || bound.tokens.given && bound.tokens.n <= 1 && bound.tokens.n >= 0
	}
	return asked && !open && peek.Purpose == Generate && len(peek.bounds) > 0
}

// emptiness notes whether a value has anything in it, without copying it.
type emptiness struct{ present bool }

func (e *emptiness) UnmarshalJSON(value []byte) error {
	switch string(value[:min(len(value), 4)]) {
	case "null":
	case `""`:
		e.present = false
	default:
		e.present = len(bytes.Trim(value, "[] \t\r\n")) > 0
	}
	return nil
}

// longest bounds the values that are decoded, in bytes: as Go values they can
// take many times their size. It is far over what anybody means by them, and
// over the 350 bytes to which Ollama bounds a name (types/model/name.go).
const longest = 16 << 10

// modelName is empty for one that Ollama refuses for its length.
type modelName string

func (m *modelName) UnmarshalJSON(value []byte) error {
	if len(value) > longest {
		*m = ""
		return nil
	}
	_ = json.Unmarshal(value, (*string)(m)) // no string: Ollama refuses the body
	return nil
}

// keepAlive notes whether a keep_alive means "unload now". Ollama cuts it to
// whole seconds, takes a bare number for seconds, and a negative one for ever.
type keepAlive struct {
	zero  bool
	given *time.Duration
}

func (k *keepAlive) UnmarshalJSON(value []byte) error {
	if len(value) > longest {
		return nil
	}
	var parsed any
	if err := json.Unmarshal(value, &parsed); err != nil {
		return err
	}
	var d time.Duration
	switch v := parsed.(type) {
	case float64:
		if d = time.Duration(min(max(v, 0), longestKeepAlive.Seconds())) * time.Second; v < 0 {
			d = -1
		}
	case string:
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			return nil
		}
	default:
		return nil
	}
	k.zero, k.given = d >= 0 && d < time.Second, &d
	return nil
}

// longestKeepAlive is as good as for ever.
const longestKeepAlive = 365 * 24 * time.Hour

// options tolerates options that are not an object: Ollama refuses those itself.
// As there, a second object adds to the first, and a null takes all away.
type options map[string]json.RawMessage

func (o *options) UnmarshalJSON(value []byte) error {
	if len(value) > longest || json.Unmarshal(value, (*map[string]json.RawMessage)(o)) != nil {
		*o = nil
	}
	return nil
}
