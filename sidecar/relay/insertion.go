package relay

import (
	"bytes"
	"io"
	"strings"
)

// insertion is a text that is sent within a body. The body in memory stays as
// the client sent it: a second copy would be outside the budget for bodies.
type insertion struct {
	at   int
	text string // empty for none
}

// into reads data with the text in it.
func (i insertion) into(data []byte) io.ReadCloser {
	if i.text == "" {
		return io.NopCloser(bytes.NewReader(data))
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(data[:i.at]), strings.NewReader(i.text), bytes.NewReader(data[i.at:])))
}
