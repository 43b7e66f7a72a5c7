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
	// Text is what the model says in it, thinking before answer.
	Text string
	// Final says that a complete answer ends with it.
	Final bool
	// Truncated says that the answer was ended for its length, after a token at
	// least. Where no text came, Ollama kept it to itself: half of a character, or
	// the opening of a channel (gpt-oss begins every answer so). A model that ends
	// at once gives "stop" and has made nothing. Only the native API says so.
	Truncated bool
	// Error is Ollama's error text, at most 512 bytes.
	Error string

	calls bool // it has a tool call
}

// wireChunk has the fields of all the formats; no name means two things.
type wireChunk struct {
	Error      json.RawMessage `json:"error"`
	Done       bool            `json:"done"`
	DoneReason string          `json:"done_reason"`
	EvalCount  int             `json:"eval_count"`
	Type       string          `json:"type"`
	Message    wireMessage     `json:"message"`
	Response   string          `json:"response"`
	Thinking   string          `json:"thinking"`
	Embedding  wireList        `json:"embedding"`
	Embeddings wireList        `json:"embeddings"`
	Data       wireList        `json:"data"`
	Content    wireList        `json:"content"`
	Output     wireList        `json:"output"`
	Delta      wireDelta       `json:"delta"`
	Choices    []struct {
		Delta   wireMessage `json:"delta"`
		Message wireMessage `json:"message"`
		Text    string      `json:"text"`
	} `json:"choices"`
}

type wireMessage struct {
	Content          string   `json:"content"`
	Thinking         string   `json:"thinking"`
	Reasoning        string   `json:"reasoning"`
	ReasoningContent string   `json:"reasoning_content"`
	ToolCalls        wireList `json:"tool_calls"`
}

func (m *wireMessage) text() string {
	return m.Thinking + m.Reasoning + m.ReasoningContent + m.Content
}

// wireList is true for a list with something in it.
type wireList bool

func (l *wireList) UnmarshalJSON(value []byte) error {
	*l = len(value) > 2 && value[0] == '['
	return nil
}

// wireDelta is a string in /v1/responses, and an object in /v1/messages.
type wireDelta struct {
	Text        string `json:"text"`
	Thinking    string `json:"thinking"`
	PartialJSON string `json:"partial_json"` // of a tool call's input
}

func (d *wireDelta) UnmarshalJSON(value []byte) error {
	*d = wireDelta{}
	if value[0] == '"' {
		return json.Unmarshal(value, &d.Text)
	}
	type object wireDelta                   // without this method
	_ = json.Unmarshal(value, (*object)(d)) // another shape has no text that is known here
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
	chunk := Chunk{
		Final: w.Done || finalEvents[w.Type], Truncated: w.DoneReason == "length" && w.EvalCount > 0,
		Text:  w.Thinking + w.Response + w.Delta.Thinking + w.Delta.Text + w.Message.text(),
		calls: bool(w.Message.ToolCalls),
	}
	if len(w.Error) > 0 && string(w.Error) != "null" {
		chunk.Error = ErrorText(line)
	}
	for i := range w.Choices {
		choice := &w.Choices[i]
		chunk.Text += choice.Delta.text() + choice.Message.text() + choice.Text
		chunk.calls = chunk.calls || bool(choice.Delta.ToolCalls || choice.Message.ToolCalls)
	}
	list := bool(w.Embedding || w.Embeddings || w.Data || w.Content || w.Output)
	chunk.Content = list || chunk.calls || chunk.Text != "" || w.Delta.PartialJSON != ""
	return chunk
}
