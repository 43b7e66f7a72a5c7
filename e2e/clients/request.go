//go:build e2e

package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience bounds one request: the model answers within milliseconds.
const patience = 30 * time.Second

// request is one that a client sends.
type request struct {
	method, path string
	headers      []string // name, value, …
	body         string
	chunked      bool // its length is not announced
}

// answer is what the client is told.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// client follows no redirect and keeps no connection.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends it to a server, whose URL has no slash at its end, and reads the answer.
func (r request) send(ctx context.Context, url string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var body io.Reader = http.NoBody
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	if r.chunked {
		body = io.MultiReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, url+r.path, body)
	if err != nil {
		return answer{}, fmt.Errorf("cannot make the request: %w", err)
	}
	for i := 0; i < len(r.headers); i += 2 {
		request.Header.Set(r.headers[i], r.headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("cannot send the request: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("cannot read the answer: %w", err)
	}
	return answer{response.StatusCode, response.Header, got}, nil
}

// shape is what two answers to the same question have in common: an error's words,
// or else the fields of each of its objects. What a model says is left out.
func (a answer) shape() string {
	if a.status >= 400 || !strings.ContainsAny(string(a.body), "{[") {
		return requestID.ReplaceAllString(string(a.body), "")
	}
	kinds := map[string]bool{}
	for line := range bytes.Lines(a.body) {
		line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("data: "))
		var value any
		if json.Unmarshal(line, &value) != nil {
			kinds[string(line)] = true // "", "[DONE]", "event: …"
			continue
		}
		kinds[fields(value)] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(kinds)), "\n")
}

// requestID numbers an error in the manner of Anthropic.
var requestID = regexp.MustCompile(`"request_id":"[^"]*"`)

func fields(value any) string {
	switch value := value.(type) {
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, name+fields(value[name]))
		}
		return "{" + strings.Join(all, " ") + "}"
	case []any:
		if len(value) == 0 {
			return "[]"
		}
		return "[" + fields(value[0]) + "]"
	default:
		return ""
	}
}
