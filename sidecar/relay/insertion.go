package relay

import (
	"io"
	"strings"

	"github.com/clawdbot/clawgate/hop"
)

// insertion is a text that is sent within a body. The body in memory stays as
// the client sent it: a second copy would be outside the budget for bodies.
type insertion struct {
	at   int
	text string // empty for none
}

// into reads a whole body with the text in it.
func (i insertion) into(body *hop.Body) io.ReadCloser {
	reader := body.Reader()
	if i.text == "" {
		return reader
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(reader, int64(i.at)), strings.NewReader(i.text), reader))
}
