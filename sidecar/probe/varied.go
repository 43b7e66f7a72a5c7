package probe

import (
	"fmt"
	"unicode"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// fewSymbols is up to how many of one symbol a model may mean what it says.
const fewSymbols = 3

// symbols are what a text consists of, white space left out.
type symbols struct {
	first  rune
	count  int
	varied bool // two of them differ
}

func (s *symbols) add(text string) {
	for _, symbol := range text {
		if unicode.IsSpace(symbol) {
			continue
		}
		if s.count == 0 {
			s.first = symbol
		}
		s.varied = s.varied || symbol != s.first
		s.count++
	}
}

// monotonous judges an answer that was to have some words in it and has no two
// different symbols. What the model may have meant, or Ollama kept to itself,
// tells nothing.
func (r *readiness) monotonous(content string, last ollama.Chunk) evidence.ProbeResult {
	said := r.symbols.count
	switch {
	case content == "" && last.Truncated:
		return r.result(evidence.Unknown, "Ollama kept the model's words to itself")
	case said > 0 && said <= fewSymbols:
		return r.result(evidence.Unknown, fmt.Sprintf("the model's answer of %d bytes is too short to tell", len(content)))
	}
	reason := "the model says one symbol over and over"
	if said == 0 {
		reason = "the model says nothing"
	}
	result := r.result(evidence.Failure, reason)
	result.Hollow = true
	return result
}
