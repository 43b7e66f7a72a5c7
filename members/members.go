// Package members walks the members of a JSON object where they lie, leaves some out
// in place, and puts others in while it is sent. It copies none of them, and keeps
// nothing, however many there are: what clients send is in memory once already,
// within a budget that knows nothing of what is made of it. Which members, and why,
// it does not know.
package members

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Member is one member of a JSON object: where its name and its value lie in the
// text that was walked.
type Member struct {
	NameStart, ValueStart, End int

	text []byte
	name []byte // of the text itself, where it has no escapes
}

// Is compares names as encoding/json matches the fields of a struct: it folds the
// case, which makes the Kelvin sign a k and the long s an s.
func (m Member) Is(name string) bool { return bytes.EqualFold(m.name, []byte(name)) }

// Named compares names as encoding/json does the keys of a map: letter by letter.
func (m Member) Named(name string) bool { return string(m.name) == name }

// Name is the name as it is read; empty for one that is longer than anybody asks for.
func (m Member) Name() []byte { return m.name }

// Value is the member's value, of the text itself.
func (m Member) Value() []byte { return m.text[m.ValueStart:m.End] }

// Walk visits the members of the object that text begins with, in order, and gives
// the position of its closing brace. It is no validator: it is exact on valid JSON
// and ends somewhere on any other, so whoever acts on what it found must ask First
// before. It is false where there is no object.
func Walk(text []byte, visit func(Member)) (closing int, object bool) {
	at := skipSpace(text, 0)
	if at >= len(text) || text[at] != '{' {
		return 0, false
	}
	for {
		at = skipSpace(text, at+1) // past the brace or the comma
		if at < len(text) && text[at] == '}' {
			return at, true
		}
		if at >= len(text) || text[at] != '"' {
			return 0, false
		}
		m := Member{NameStart: at, text: text}
		at = stringEnd(text, at)
		m.name = unquote(text[m.NameStart:at])
		at = skipSpace(text, at)
		if at >= len(text) || text[at] != ':' {
			return 0, false
		}
		m.ValueStart = skipSpace(text, at+1)
		m.End = valueEnd(text, m.ValueStart)
		visit(m)
		at = skipSpace(text, m.End)
		if at >= len(text) || text[at] != ',' && text[at] != '}' {
			return 0, false
		}
		if text[at] == '}' {
			return at, true
		}
	}
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
		at++
	}
	return at
}

// stringEnd gives the position after the string that begins at start.
func stringEnd(text []byte, start int) int {
	for at := start + 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

// valueEnd gives the position after the value that begins at start.
func valueEnd(text []byte, start int) int {
	depth := 0
	for at := start; at < len(text); {
		switch text[at] {
		case '"':
			at = stringEnd(text, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
			if depth == 0 {
				return at + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return len(text)
}

// longestName is over the longest way to write a name that anybody asks for:
// twenty-one letters (max_completion_tokens), each as an escape of six, and the
// quotes.
const longestName = 160

// unquote reads a name as encoding/json does. The common case, a name without
// escapes, is not decoded, and one that is too long to be looked for not read.
func unquote(quoted []byte) []byte {
	if len(quoted) > longestName {
		return nil
	}
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // no string: such a body is refused whole by Ollama
	return []byte(name)
}

// First gives the end of the JSON value that body begins with, which is all that
// Ollama's decoder reads: what follows is ignored there. It is false where there
// is no whole value.
func First(body []byte) (end int, whole bool) {
	if !json.Valid(body) {
		var syntax *json.SyntaxError
		if !errors.As(json.Unmarshal(body, new(json.RawMessage)), &syntax) || syntax.Offset < 1 {
			return 0, false
		}
		// Something follows the value here, if the value is whole.
		body = body[:syntax.Offset-1]
		if !json.Valid(body) {
			return 0, false
		}
	}
	return len(bytes.TrimRight(body, " \t\r\n")), true
}
