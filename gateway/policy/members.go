package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// member is one member of a JSON object: where its name and its value lie in
// the text that was scanned.
type member struct {
	nameStart, valueStart, end int
	name                       string
}

// is compares names as encoding/json does: it folds the case, which makes the
// Kelvin sign a k and the long s an s.
func (m member) is(name string) bool { return strings.EqualFold(m.name, name) }

// scan walks the members of the object that text begins with, and gives the
// position of its closing brace. It copies nothing and is not a validator: it
// is exact on valid JSON and ends somewhere on any other, so whoever acts on
// what it found must ask firstValue first. It is false where there is no object.
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

// unquote reads a name as encoding/json does. The common case, a name without
// escapes, is not decoded.
func unquote(quoted []byte) string {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1 : len(quoted)-1])
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // no string: such a body is refused whole by Ollama
	return name
}

// firstValue gives the end of the first JSON value in body, which is all that
// Ollama's decoder reads: what follows is ignored there.
func firstValue(body []byte) (end int, err error) {
	var value json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return 0, fmt.Errorf("cannot read the request's body: %w", err)
	}
	return int(decoder.InputOffset()), nil
}
