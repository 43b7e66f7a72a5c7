package ollama

import (
	"bytes"
	"time"
)

// A line longer than lineHead bytes is known by its beginning and its last
// lineTail bytes: the final line of /api/generate has the whole context (of
// tens of thousands of numbers) between "done":true and the counts.
const (
	lineHead = 2 << 10
	lineTail = 512
)

// Follower watches an answer's body go by and knows, in bounded memory, whether
// real content has come and how the answer ended. It reads JSON only until the
// first content and at the end; in between it looks for line breaks alone. The
// zero value with a Format is ready. It is for one goroutine.
type Follower struct {
	Format Format
	// Content says that a chunk with real content has come.
	Content bool

	line  boundedLine
	ended bool   // the line has its newline
	stats Counts // of an SSE answer, which says them before its last line
}

// Counts is what Ollama says of its own work at the end of an answer; zero
// where it said nothing.
type Counts struct {
	PromptTokens, GeneratedTokens                  int
	PromptDuration, GenerateDuration, LoadDuration time.Duration
}

// Ending is how an answer's body ended.
type Ending struct {
	Complete bool
	Error    string // of a last line that is an error
	// OpenLine says that the body stopped inside a line.
	OpenLine bool
	Counts   Counts
}

// Observe takes the next piece of the body, however it was cut, and keeps none
// of it.
func (f *Follower) Observe(piece []byte) {
	if f.Format == SSE && bytes.Contains(piece, []byte(`"usage":{`)) {
		f.stats = countsIn(piece)
	}
	if f.Content {
		f.keepLastLine(piece)
		return
	}
	for len(piece) > 0 && !f.Content {
		end := bytes.IndexByte(piece, '\n') + 1
		if end == 0 {
			end = len(piece)
		}
		f.keepLastLine(piece[:end])
		f.judge()
		piece = piece[end:]
	}
	f.keepLastLine(piece)
}

// judge looks for content in a line that is complete, or too long to be
// anything else.
func (f *Follower) judge() {
	switch {
	case f.line.overflown():
		f.Content = !bytes.HasPrefix(f.line.head, []byte(`{"error"`))
	case f.ended:
		chunk, _ := ParseChunk(f.line.head)
		f.Content = chunk.Content
	}
}

// FirstError is the error of the last line so far, if it is one. It is for the
// first piece of an answer, before anything of it has been passed on.
func (f *Follower) FirstError() string {
	if f.Content || f.line.overflown() {
		return ""
	}
	chunk, _ := ParseChunk(f.line.head)
	return chunk.Error
}

// keepLastLine keeps the last line that is not blank.
func (f *Follower) keepLastLine(piece []byte) {
	text := bytes.TrimRight(piece, "\r\n")
	newline := len(text) < len(piece)
	if start := bytes.LastIndexByte(text, '\n') + 1; start > 0 {
		f.line.reset()
		text = text[start:]
	} else if f.ended && len(text) > 0 {
		f.line.reset()
	}
	f.line.append(text)
	f.ended = newline || f.ended && len(text) == 0
}

// End says how the body ended. It is called once, at the body's clean end.
func (f *Follower) End() Ending {
	ending := Ending{Counts: f.stats, OpenLine: !f.ended && len(f.line.head) > 0}
	if f.Format != SSE {
		ending.Counts = countsIn(f.line.end())
	}
	if f.line.overflown() {
		f.Content = f.Content || f.Format == JSON
		ending.Complete = bytes.Contains(f.line.head, []byte(`"done":true`)) || bytes.Contains(f.line.tail, []byte(`"done":true`))
	} else {
		chunk, _ := ParseChunk(f.line.head)
		f.Content = f.Content || chunk.Content
		ending.Complete, ending.Error = chunk.Final, chunk.Error
	}
	ending.Complete = ending.Complete || f.Format == JSON
	return ending
}

// boundedLine is a line of any length in at most lineHead + lineTail bytes.
type boundedLine struct {
	head []byte
	tail []byte // empty unless the line is longer than lineHead
}

func (l *boundedLine) reset()          { l.head, l.tail = l.head[:0], l.tail[:0] }
func (l *boundedLine) overflown() bool { return len(l.tail) > 0 }

// end is the part of the line where its last members are.
func (l *boundedLine) end() []byte {
	if l.overflown() {
		return l.tail
	}
	return l.head
}

func (l *boundedLine) append(text []byte) {
	room := min(lineHead-len(l.head), len(text))
	l.head = append(l.head, text[:room]...)
	text = text[room:]
	if len(text) >= lineTail {
		l.tail = append(l.tail[:0], text[len(text)-lineTail:]...)
		return
	}
	if excess := len(l.tail) + len(text) - lineTail; excess > 0 {
		l.tail = append(l.tail[:0], l.tail[excess:]...)
	}
	l.tail = append(l.tail, text...)
}

// countsIn finds the counts by their names, without reading the rest. A quote
// inside a string is escaped, so that a name in a model's text is not taken for one.
func countsIn(line []byte) Counts {
	either := func(native, openAI string) int {
		if n := numberAfter(line, native); n > 0 {
			return n
		}
		return numberAfter(line, openAI)
	}
	return Counts{
		PromptTokens:     either(`"prompt_eval_count":`, `"prompt_tokens":`),
		GeneratedTokens:  either(`"eval_count":`, `"completion_tokens":`),
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
