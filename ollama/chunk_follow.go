package ollama

import "bytes"

// A line longer than lineHead bytes is known by its beginning and its last
// lineTail bytes: the final line of /api/generate has the whole context (of
// tens of thousands of numbers) between "done":true and the counts.
const (
	lineHead = 2 << 10
	lineTail = 512
)

// Follower watches an answer's body go by and knows, in bounded memory, whether
// real content has come, how the answer ended, and whether it said anything. It
// reads JSON only until two different symbols have come, which is the second or
// third chunk of nearly every answer, and at the end; in between it looks for
// line breaks alone. The zero value with a Format is ready. It is for one
// goroutine.
type Follower struct {
	Format Format
	// Content says that a chunk with real content has come.
	Content bool

	line   boundedLine
	ended  bool // the line has its newline
	judged bool // and was looked at
	said   monotony
	usage  Counts // of an SSE answer, which says them before its last line
	silent bool   // it was zero tokens that were counted there
}

// Ending is how an answer's body ended.
type Ending struct {
	Complete bool
	Error    string // of a last line that is an error
	// OpenLine says that the body stopped inside a line.
	OpenLine bool
	// Hollow says that the answer is no answer to one who asked for text: it came
	// to its end without any content, and no token was made; or all that came was
	// one symbol over and over, also where Ollama itself ended it for that. It is
	// true only where that is certain: a JSON answer of more than some 2 KiB, for
	// one, is not looked at.
	Hollow bool
	Counts Counts
}

// Observe takes the next piece of the body, however it was cut, and keeps none
// of it.
func (f *Follower) Observe(piece []byte) {
	if f.Format == SSE && bytes.Contains(piece, []byte(`"usage":{`)) {
		f.usage, f.silent = countsIn(piece), saysZero(piece, outputCounts)
	}
	for len(piece) > 0 && f.reads() {
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

// reads says that the next line matters, whatever it is.
func (f *Follower) reads() bool { return !f.Content || !f.said.broken }

// judge looks for content in a line that is complete, or too long to be
// anything else.
func (f *Follower) judge() {
	switch {
	case f.judged:
	case f.line.overflown():
		f.judged, f.said.broken = true, true
		f.Content = f.Content || f.line.hasContent()
	case f.ended:
		f.readLine()
	}
}

// readLine reads a line that is there as a whole.
func (f *Follower) readLine() Chunk {
	chunk, _ := ParseChunk(f.line.head)
	f.Content = f.Content || chunk.Content
	if chunk.Content && !f.judged && !f.said.broken {
		f.said.take(chunk)
	}
	f.judged = true
	return chunk
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
	f.judged = f.judged && len(text) == 0
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
	ending := Ending{Counts: f.usage, OpenLine: !f.ended && len(f.line.head) > 0}
	silent := f.silent
	if f.Format != SSE {
		ending.Counts = countsIn(f.line.end())
		silent = ending.Counts.GeneratedTokens == 0 && f.line.saysItEnded()
	}
	if f.line.overflown() {
		f.Content = f.Content || f.Format == JSON && f.line.hasContent()
		f.said.broken = true
		ending.Complete = f.line.contains(`"done":true`)
	} else {
		chunk := f.readLine()
		ending.Complete, ending.Error = chunk.Final, chunk.Error
	}
	ending.Complete = ending.Complete || f.Format == JSON
	nothing := ending.Complete && silent && !f.Content
	garbage := (ending.Complete || !ending.OpenLine) && f.said.overAndOver()
	ending.Hollow = ending.Error == "" && (nothing || garbage)
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

func (l *boundedLine) contains(text string) bool {
	return bytes.Contains(l.head, []byte(text)) || bytes.Contains(l.tail, []byte(text))
}

// hasContent is for a line that has overflown: only content is as long, but for
// an error and for the context that ends an answer of /api/generate.
func (l *boundedLine) hasContent() bool {
	emptyEnd := bytes.Contains(l.head, []byte(`"response":"","done":true`))
	return !emptyEnd && !bytes.HasPrefix(l.head, []byte(`{"error"`))
}

// saysItEnded says that the model itself ended the answer, or that no token was
// made. Ollama leaves a count of zero out.
func (l *boundedLine) saysItEnded() bool {
	return saysZero(l.end(), outputCounts) || l.contains(`"done_reason":"stop"`)
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
