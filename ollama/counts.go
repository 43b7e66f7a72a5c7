package ollama

import (
	"bytes"
	"time"
)

// Counts is what Ollama says of its own work at the end of an answer; zero
// where it said nothing.
type Counts struct {
	PromptTokens, GeneratedTokens                  int
	PromptDuration, GenerateDuration, LoadDuration time.Duration
}

// PerSecond is the speed of generation in tokens a second; 0 where Ollama gave
// no duration.
func (c Counts) PerSecond() float64 {
	if c.GenerateDuration <= 0 {
		return 0
	}
	return float64(c.GeneratedTokens) / c.GenerateDuration.Seconds()
}

// What the APIs call their counts of tokens, in the order in which they are
// looked for.
var (
	inputCounts  = []string{`"prompt_eval_count":`, `"prompt_tokens":`, `"input_tokens":`}
	outputCounts = []string{`"eval_count":`, `"completion_tokens":`, `"output_tokens":`}
)

// countsIn finds the counts by their names, without reading the rest. A quote
// inside a string is escaped, so that a name in a model's text is not taken for one.
func countsIn(line []byte) Counts {
	return Counts{
		PromptTokens:     firstNumber(line, inputCounts),
		GeneratedTokens:  firstNumber(line, outputCounts),
		PromptDuration:   time.Duration(numberAfter(line, `"prompt_eval_duration":`)),
		GenerateDuration: time.Duration(numberAfter(line, `"eval_duration":`)),
		LoadDuration:     time.Duration(numberAfter(line, `"load_duration":`)),
	}
}

// numberAfter is the whole number after the last of a name, or 0.
func numberAfter(line []byte, name string) int {
	at := bytes.LastIndex(line, []byte(name))
	if at < 0 {
		return 0
	}
	number := 0
	for _, c := range line[at+len(name):] {
		if c < '0' || c > '9' || number > 1<<53 {
			break
		}
		number = number*10 + int(c-'0')
	}
	return number
}

// firstNumber is that of the first name that has one, or 0.
func firstNumber(line []byte, names []string) int {
	for _, name := range names {
		if n := numberAfter(line, name); n > 0 {
			return n
		}
	}
	return 0
}

// saysZero says that one of the names is there, the last time with a zero.
func saysZero(line []byte, names []string) bool {
	for _, name := range names {
		if at := bytes.LastIndex(line, []byte(name)); at >= 0 {
			rest := line[at+len(name):]
			return len(rest) > 1 && rest[0] == '0' && (rest[1] == ',' || rest[1] == '}')
		}
	}
	return false
}
