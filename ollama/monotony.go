package ollama

import "unicode"

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

// take takes the text of a chunk with content.
func (m *monotony) take(chunk Chunk) {
	m.broken = m.broken || chunk.calls || chunk.Text == ""
	m.add(chunk.Text)
}
