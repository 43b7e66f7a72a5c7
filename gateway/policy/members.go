package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// member is one member of a JSON object: where its name and its value lie in
// the text that was scanned.
type member struct {
	nameStart, valueStart, end int
	name                       []byte // of the text itself, where it has no escapes
}

// is compares names as encoding/json does: it folds the case, which makes the
// Kelvin sign a k and the long s an s.
func (m member) is(name string) bool { return bytes.EqualFold(m.name, []byte(name)) }

// scan walks the members of the object that text begins with, and gives the
// position of its closing brace. It copies nothing and is not a validator: it
// is exact on valid JSON and ends somewhere on any other, so whoever acts on
// what it found must ask firstObject first. It is false where there is no object.
func scan(text []byte, visit func(member)) (closing int, object bool) {
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
		m := member{nameStart: at}
		at = stringEnd(text, at)
		m.name = unquote(text[m.nameStart:at])
		at = skipSpace(text, at)
		if at >= len(text) || text[at] != ':' {
			return 0, false
		}
		m.valueStart = skipSpace(text, at+1)
		m.end = valueEnd(text, m.valueStart)
		visit(m)
		at = skipSpace(text, m.end)
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
// ten characters, each as an escape of six, and the quotes.
const longestName = 64

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

// firstObject gives the end of the object that body begins with, which is all
// that Ollama's decoder reads: what follows is ignored there. It is false where
// no whole object is. It copies nothing, however large the body: a copy would
// be outside the budget for bodies.
func firstObject(body []byte) (end int, whole bool) {
	if !json.Valid(body) {
		var syntax *json.SyntaxError
		if !errors.As(json.Unmarshal(body, new(json.RawMessage)), &syntax) || syntax.Offset < 1 {
			return 0, false
		}
		// Something follows the object here, if the object is whole.
		body = body[:syntax.Offset-1]
		if !json.Valid(body) {
			return 0, false
		}
	}
	return len(bytes.TrimRight(body, " \t\r\n")), true
}
