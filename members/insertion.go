package members

import (
	"io"
	"strings"
)

// Insertion is a text that is sent within a body. The body in memory stays as
// the client sent it: a second copy would be outside the budget for bodies.
type Insertion struct {
	At   int
	Text string // empty for none
}

// AtEnd puts members, each a name and its value, before the closing brace of an object
// that has some. Go's decoder, and so Ollama, lets the last of a name win.
func AtEnd(closing int, added ...string) Insertion {
	if len(added) == 0 {
		return Insertion{}
	}
	return Insertion{At: closing, Text: "," + strings.Join(added, ",")}
}

// Into reads a whole body with the text in it.
func (i Insertion) Into(body io.ReadCloser) io.ReadCloser {
	if i.Text == "" {
		return body
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(body, int64(i.At)), strings.NewReader(i.Text), body))
}
