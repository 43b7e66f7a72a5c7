package ollama

import (
	"bytes"
	"encoding/json"
	"unicode"
)

// oneSymbol is from how many equal symbols on an answer is taken for garbage
// ("@@@@", "GGGG": ollama/ollama#5668). Ollama itself ends an answer at the
// 32nd equal token in a row, so that no more of them may come than this.
const oneSymbol = 31

// monotony watches for a text that is one symbol over and over. White space
// does not count. The zero value has seen nothing.
type monotony struct {
	symbol rune
	count  int
	// broken says that two different symbols have come, or something that is no
	// text; there is no way back.
	broken bool
}

func (m *monotony) overAndOver() bool { return !m.broken && m.count >= oneSymbol }

// add takes the next piece of the text.
func (m *monotony) add(text string) {
	for _, symbol := range text {
		switch {
		case unicode.IsSpace(symbol):
			continue
		case m.count > 0 && symbol != m.symbol:
			m.broken = true
			return
		}
		m.symbol = symbol
		m.count++
	}
}

// take reads a line of an answer that has content.
func (m *monotony) take(line []byte) {
	text, more := textOf(line)
	m.broken = m.broken || more || text == ""
	m.add(text)
}

// spoken is what a model says in one chunk, in all the formats.
type spoken struct {
	Response string        `json:"response"`
	Thinking string        `json:"thinking"`
	Message  spokenMessage `json:"message"`
	Delta    spokenDelta   `json:"delta"`
	Choices  []struct {
		Delta   spokenMessage `json:"delta"`
		Message spokenMessage `json:"message"`
		Text    string        `json:"text"`
	} `json:"choices"`
}

type spokenMessage struct {
	Content          string   `json:"content"`
	Thinking         string   `json:"thinking"`
	Reasoning        string   `json:"reasoning"`
	ReasoningContent string   `json:"reasoning_content"`
	ToolCalls        wireList `json:"tool_calls"`
}

// spokenDelta is a string in /v1/responses and an object in /v1/messages.
type spokenDelta string

func (d *spokenDelta) UnmarshalJSON(value []byte) error {
	var object struct {
		Text     string `json:"text"`
		Thinking string `json:"thinking"`
	}
	if json.Unmarshal(value, (*string)(d)) != nil {
		_ = json.Unmarshal(value, &object) // another shape has no text that is known here
		*d = spokenDelta(object.Thinking + object.Text)
	}
	return nil
}

// textOf is the text in a line of an answer, thinking and content; more says
// that the line has a tool call as well.
func textOf(line []byte) (text string, more bool) {
	line = bytes.TrimSpace(line)
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("data:")))
	var said spoken
	_ = json.Unmarshal(line, &said) // it was parsed before; what has another shape has no text
	text = said.Thinking + said.Response + string(said.Delta) + said.Message.text()
	more = bool(said.Message.ToolCalls)
	for _, choice := range said.Choices {
		text += choice.Delta.text() + choice.Message.text() + choice.Text
		more = more || bool(choice.Delta.ToolCalls || choice.Message.ToolCalls)
	}
	return text, more
}

func (m spokenMessage) text() string {
	return m.Thinking + m.Reasoning + m.ReasoningContent + m.Content
}
