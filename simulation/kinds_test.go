package simulation_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/simulation"
)

// TestKindsOfContent: where Ollama names the character set and where it does not,
// as was seen on 0.9.6.
func TestKindsOfContent(t *testing.T) {
	const (
		named = "application/json; charset=utf-8"
		bare  = "application/json"
	)
	config := usual()
	config.Models = append(config.Models, simulation.Model{Name: "new:1b", Missing: true})
	inWorld(t, config, func(v *visit) {
		for _, test := range []struct{ path, body, want string }{
			{"/", "", "text/plain; charset=utf-8"},
			{"/no/such/path", "", "text/plain"},
			{"/api/tags", "", named},
			{"/api/chat", chat(`,"stream":false`), named},
			{"/api/chat", chat(""), "application/x-ndjson"},
			{"/api/chat", `{"model":"nope","messages":[{}]}`, named},
			{"/api/chat", "{", named},
			{"/api/create", `{"model":"made","from":"qwen3:32b","stream":false}`, bare},
			{"/api/create", `{"model":"made","from":"qwen3:32b"}`, "application/x-ndjson"},
			{"/api/pull", `{"model":"new:1b","stream":false}`, bare},
			{"/api/pull", `{"model":"nope","stream":false}`, bare},
			{"/v1/models", "", bare},
			{"/v1/chat/completions", chat(""), bare},
			{"/v1/chat/completions", chat(`,"stream":true`), "text/event-stream"},
			{"/v1/chat/completions", `{"model":"nope","messages":[{}]}`, bare},
			{"/v1/chat/completions", "{", named},
			{"/v1/chat/completions", `{"model":"qwen3:32b"}`, named},
		} {
			if got := v.kind(test.path, test.body); got != test.want {
				v.Errorf("%s %s: %q, want %q", test.path, test.body, got, test.want)
			}
		}
	})
}

// kind is the Content-Type of the answer to a POST, or to a GET when there is no
// body.
func (v *visit) kind(path, body string) string {
	v.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(v.Context(), method, "http://ollama"+path, strings.NewReader(body))
	v.must(err)
	response, err := v.client.Do(request)
	v.must(err)
	defer response.Body.Close()
	v.lines(response)
	return response.Header.Get("Content-Type")
}
