package ollama

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
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
	if status := (*StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusBadRequest &&
		status.Says == cannotGenerate {
		return c.loadEmbedding(ctx, request)
	}
	return err
}

// cannotGenerate is what Ollama's refusal says of a model that only embeds.
const cannotGenerate = "the model does not support generate"

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

type showReply struct {
	Modelfile  string `json:"modelfile"`
	Parameters string `json:"parameters"`
}

var fromBlob = regexp.MustCompile(`(?m)^FROM (\S*sha256-[0-9a-f]{64})\s*$`)

// Blob returns the path of the model's weights inside the container, which the
// runner has on its command line; empty when the server does not tell.
func (c *Client) Blob(ctx context.Context, model string) (string, error) {
	var reply showReply
	if err := c.postJSON(ctx, "/api/show", map[string]string{"model": model}, &reply); err != nil {
		return "", err
	}
	if match := fromBlob.FindStringSubmatch(reply.Modelfile); match != nil {
		return match[1], nil
	}
	return "", nil
}

// EnsureParameters writes options into the model's own parameters, so that
// every API uses them: /v1 ignores options in a body, and each difference
// between /api and /v1 starts a new runner (seen on 0.9.6 and 0.17.4). It
// writes nothing when they are there already. Parameters that options do not
// name stay as they are.
func (c *Client) EnsureParameters(ctx context.Context, model string, options map[string]json.RawMessage) (changed bool, err error) {
	if len(options) == 0 {
		return false, nil
	}
	var reply showReply
	if err := c.postJSON(ctx, "/api/show", map[string]string{"model": model}, &reply); err != nil {
		return false, err
	}
	if hasParameters(reply.Parameters, options) {
		return false, nil
	}
	request := map[string]any{"model": model, "from": model, "parameters": options, "stream": false}
	if err := c.postJSON(ctx, "/api/create", request, nil); err != nil {
		return false, err
	}
	return true, nil
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
