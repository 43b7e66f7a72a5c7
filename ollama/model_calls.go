package ollama

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

type generateRequest struct {
	Model     string        `json:"model"`
	Stream    bool          `json:"stream"`
	KeepAlive any           `json:"keep_alive,omitempty"`
	Options   RunnerOptions `json:"options,omitempty"`
}

// Load loads a model and returns when it is loaded. Ending ctx earlier aborts
// the load (Ollama stops a load whose request goes away), so give it no
// deadline short of the load's own. Options are runner options; nil leaves the
// model's own parameters in force. KeepAlive is a number of seconds or a
// duration as Ollama writes it; nil leaves the server's default.
func (c *Client) Load(ctx context.Context, model string, keepAlive any, options RunnerOptions) error {
	request := generateRequest{Model: model, KeepAlive: keepAlive, Options: options}
	err := c.postJSON(ctx, "/api/generate", request, nil)
	if !cannotGenerate(err) {
		return err
	}
	return missingFile(c.loadEmbedding(ctx, request))
}

// cannotGenerate is what Ollama answers of a model that only embeds, and of one whose
// file it cannot read.
func cannotGenerate(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) || status.Status != http.StatusBadRequest {
		return false
	}
	refused, _ := status.Refuses()
	return refused == Write
}

// missingFile tells by a second answer what the first could not: Ollama has the model,
// or would have said so, and does not find its file.
func missingFile(err error) error {
	var status *StatusError
	if !errors.As(err, &status) || !status.NotFound() {
		return err
	}
	failure := status.Failure
	failure.Load, failure.Says = FileMissing, "the file of the model's weights is missing"
	return fmt.Errorf("POST /api/embed: %w", &StatusError{failure})
}

// loadEmbedding loads a model that can only embed: an empty input loads it.
func (c *Client) loadEmbedding(ctx context.Context, request generateRequest) error {
	return c.postJSON(ctx, "/api/embed", struct {
		generateRequest
		Input string `json:"input"`
	}{generateRequest: request}, nil)
}

// Unload asks Ollama to drop a model. The answer comes before the effect, and
// with a request in flight on the model there is no effect until that ends
// (seen on 0.9.6): the caller has to make sure.
func (c *Client) Unload(ctx context.Context, model string) error {
	return c.postJSON(ctx, "/api/generate", generateRequest{Model: model, KeepAlive: 0}, nil)
}

// hasParameters reads the text that /api/show prints: one line a value, the
// name, spaces, and the value as Go writes it.
func hasParameters(text string, options map[string]json.RawMessage) bool {
	have := map[string][]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if found {
			have[name] = append(have[name], strings.TrimSpace(value))
		}
	}
	for name, value := range options {
		if !reflect.DeepEqual(have[name], printedValues(value)) {
			return false
		}
	}
	return true
}

func printedValues(raw json.RawMessage) []string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return nil
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var printed []string
	for _, v := range list {
		printed = append(printed, fmt.Sprintf("%#v", v))
	}
	return printed
}

// PullProgress is one line of a running pull.
type PullProgress struct {
	Status    string `json:"status"`
	Digest    string `json:"digest"`
	Total     int64  `json:"total"`
	Completed int64  `json:"completed"`
	Error     string `json:"error"`
}

// Pull fetches a model and reports each line of progress. It returns when the
// model is there; Ollama goes on with what it has when the call is repeated.
func (c *Client) Pull(ctx context.Context, model string, progress func(PullProgress)) error {
	resp, err := c.Stream(ctx, "/api/pull", map[string]string{"model": model})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	succeeded := false
	for lines.Scan() {
		var line PullProgress
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		if line.Error != "" {
			return fmt.Errorf("cannot pull %q: %w", model, &StatusError{Classify(resp.StatusCode, line.Error)})
		}
		succeeded = line.Status == "success"
		progress(line)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot pull %q: %w", model, err)
	}
	if !succeeded {
		return fmt.Errorf("cannot pull %q: the answer ended without success (HTTP status %d)", model, resp.StatusCode)
	}
	return nil
}
