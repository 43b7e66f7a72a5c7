package ollama

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Format is how an answer's body is laid out.
type Format int

const (
	JSON   Format = iota // one value; complete when its framing says so
	NDJSON               // one JSON value a line; complete with "done":true
	SSE                  // server-sent events; complete with [DONE] or a final event
)

// FormatOf tells the format from an answer's Content-Type.
func FormatOf(contentType string) Format {
	media, _, _ := bytes.Cut([]byte(contentType), []byte(";"))
	switch string(bytes.ToLower(bytes.TrimSpace(media))) {
	case "application/x-ndjson":
		return NDJSON
	case "text/event-stream":
		return SSE
	}
	return JSON
}

// Chunk is what one line of an answer carries.
type Chunk struct {
	// Content says that it holds something that a model made: text, thinking,
	// a tool call, an embedding. An opening chunk with a role alone does not.
	Content bool
	// Final says that a complete answer ends with it.
	Final bool
	// Error is Ollama's error text, at most 512 bytes.
	Error string
}

// wireChunk has the fields of all the formats; no name means two things.
type wireChunk struct {
	Error      json.RawMessage `json:"error"`
	Done       bool            `json:"done"`
	Type       string          `json:"type"`
	Message    wireMessage     `json:"message"`
	Response   wireText        `json:"response"`
	Thinking   wireText        `json:"thinking"`
	Embedding  wireList        `json:"embedding"`
	Embeddings wireList        `json:"embeddings"`
	Data       wireList        `json:"data"`
	Content    wireList        `json:"content"`
	Output     wireList        `json:"output"`
	Delta      wireDelta       `json:"delta"`
	Choices    []struct {
		Delta   wireMessage `json:"delta"`
		Message wireMessage `json:"message"`
		Text    wireText    `json:"text"`
	} `json:"choices"`
}

type wireMessage struct {
	Content          wireText `json:"content"`
	Thinking         wireText `json:"thinking"`
	Reasoning        wireText `json:"reasoning"`
	ReasoningContent wireText `json:"reasoning_content"`
	ToolCalls        wireList `json:"tool_calls"`
}

func (m wireMessage) present() bool {
	return bool(m.Content || m.Thinking || m.Reasoning || m.ReasoningContent) || bool(m.ToolCalls)
}

// wireText is true for a string that is not empty.
type wireText bool

func (t *wireText) UnmarshalJSON(value []byte) error {
	*t = len(value) > 2 && value[0] == '"'
	return nil
}

// wireList is true for a list with something in it.
type wireList bool

func (l *wireList) UnmarshalJSON(value []byte) error {
	*l = len(value) > 2 && value[0] == '['
	return nil
}

// wireDelta is true for a delta with text: a string in /v1/responses, an
// object in /v1/messages.
type wireDelta bool

func (d *wireDelta) UnmarshalJSON(value []byte) error {
	if len(value) > 2 && value[0] == '"' {
		*d = true
		return nil
	}
	var object struct {
		Text        wireText `json:"text"`
		Thinking    wireText `json:"thinking"`
		PartialJSON wireText `json:"partial_json"`
	}
	_ = json.Unmarshal(value, &object) // another shape has no text that is known here
	*d = wireDelta(object.Text || object.Thinking || object.PartialJSON)
	return nil
}

// finalEvents end a complete answer of /v1/messages and /v1/responses.
var finalEvents = map[string]bool{
	"message_stop": true, "response.completed": true, "response.incomplete": true, "response.failed": true,
}

// ParseChunk reads one line of an answer, a JSON value or a "data:" field. It
// is false for a line that carries nothing: blank, an event's name, a comment,
// or not JSON.
func ParseChunk(line []byte) (Chunk, bool) {
	line = bytes.TrimSpace(line)
	if data, found := bytes.CutPrefix(line, []byte("data:")); found {
		line = bytes.TrimSpace(data)
		if string(line) == "[DONE]" {
			return Chunk{Final: true}, true
		}
	}
	if len(line) == 0 || line[0] != '{' {
		return Chunk{}, false
	}
	var wire wireChunk
	if err := json.Unmarshal(line, &wire); err != nil && !isTypeError(err) {
		return Chunk{}, false
	}
	return wire.chunk(line), true
}

func isTypeError(err error) bool {
	var wrongType *json.UnmarshalTypeError
	return errors.As(err, &wrongType)
}

func (w *wireChunk) chunk(line []byte) Chunk {
	chunk := Chunk{Final: w.Done || finalEvents[w.Type]}
	if len(w.Error) > 0 && string(w.Error) != "null" {
		chunk.Error = ErrorText(line)
	}
	text := w.Message.present() || bool(w.Response || w.Thinking) || bool(w.Delta)
	list := bool(w.Embedding || w.Embeddings || w.Data || w.Content || w.Output)
	chunk.Content = text || list
	for _, choice := range w.Choices {
		chunk.Content = chunk.Content || choice.Delta.present() || choice.Message.present() || bool(choice.Text)
	}
	return chunk
}
