package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"

	"github.com/clawdbot/clawgate/ollama"
)

// longestModel is over the longest name that Ollama takes, in bytes.
const longestModel = 16 << 10

// RemoteForm says whether a form, as /v1/audio/transcriptions takes, names a remote
// model, see [ollama.Remote]. Ollama takes the name from the query before it takes
// it from the form, and the first of several: one that is remote is enough. It is
// an error that the form cannot be read.
func RemoteForm(contentType string, query url.Values, body []byte) (bool, error) {
	for _, name := range query["model"] {
		if ollama.Remote(name) {
			return true, nil
		}
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return false, errors.New("the body is neither a JSON object nor a form")
	}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("cannot read the form: %w", err)
		}
		if part.FormName() != "model" {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(part, longestModel+1))
		if err != nil {
			return false, fmt.Errorf("cannot read the form: %w", err)
		}
		if len(name) > longestModel || ollama.Remote(string(name)) {
			return true, nil
		}
	}
}
