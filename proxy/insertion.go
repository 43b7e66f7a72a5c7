package proxy

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

// Into reads a whole body with the text in it.
func (i Insertion) Into(body *Body) io.ReadCloser {
	reader := body.Reader()
	if i.Text == "" {
		return reader
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(reader, int64(i.At)), strings.NewReader(i.Text), reader))
}
