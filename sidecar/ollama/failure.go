package ollama

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// maxDetail bounds an error text of Ollama's that is kept, in bytes.
const maxDetail = 512

// Ollama's own words, of all releases from 0.1 to 0.33 as far as known. An
// out-of-memory text is looked for first, because a runner that dies of it is
// reported with both.
var (
	outOfMemoryTexts = []string{
		"cudamalloc failed", "out of memory", "failed to allocate", "unable to allocate",
		"requires more system memory", "erroroutofdevicememory",
	}
	runnerDiedTexts = []string{
		"has unexpectedly stopped", "process has terminated", "process no longer running",
		"unexpected eof", "forcibly closed", "connection reset by peer", "signal: killed",
	}
	overloadedTexts = []string{"server busy", "maximum pending requests exceeded"}
)

// Classify tells what an error of Ollama's shows. The status is that of the
// answer; 200 for an error line inside a stream. It is false for an error that
// shows nothing about the server: the client's own mistakes, a model that is not there.
func Classify(status int, text string) (evidence.SignKind, bool) {
	if status >= 400 && status < 500 {
		return "", false
	}
	text = strings.ToLower(text)
	switch {
	case containsAny(text, overloadedTexts):
		return evidence.SignOverloaded, true
	case containsAny(text, outOfMemoryTexts):
		return evidence.SignOutOfMemory, true
	case containsAny(text, runnerDiedTexts), ownHealthLook(text):
		return evidence.SignRunnerDied, true
	case status == http.StatusServiceUnavailable:
		return evidence.SignOverloaded, true
	}
	return "", false
}

// ownHealthLook says that Ollama asked its runner whether it lives, and got no
// answer from it: what a request is told that waited for the slot of a runner that
// died (seen on 0.9.6, llm/server.go). The whole text is the dialler's, which a
// longer one may quote of anything.
func ownHealthLook(text string) bool {
	return text == "connection refused" || strings.HasPrefix(text, "health resp:")
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// ErrorText finds the text of an error answer in any of the formats, at most
// 512 bytes of it. What is in none of them is given back as it is.
func ErrorText(body []byte) string {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	text := string(bytes.TrimSpace(body))
	if json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 {
		text = errorMember(answer.Error)
	}
	return text[:min(len(text), maxDetail)]
}

// errorMember reads {"error":"…"} or {"error":{"message":"…"}}.
func errorMember(member json.RawMessage) string {
	var plain string
	if json.Unmarshal(member, &plain) == nil {
		return plain
	}
	var object struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(member, &object)
	return object.Message
}

// ErrorBody is an error as clients of this API expect it. The type and code
// are the families' own; status is the HTTP status that goes with it.
func (a API) ErrorBody(status int, message string) []byte {
	kind, anthropicKind := "api_error", "api_error"
	if status == http.StatusServiceUnavailable {
		kind, anthropicKind = "service_unavailable", "overloaded_error"
	}
	var answer any
	switch a {
	case OpenAI:
		answer = map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": kind}}
	case Anthropic:
		answer = map[string]any{"type": "error", "error": map[string]any{"type": anthropicKind, "message": message}}
	default:
		answer = map[string]any{"error": message}
	}
	body, _ := json.Marshal(answer) // strings alone cannot fail
	return body
}

// ErrorLine is an error for the end of a stream that has begun.
func (a API) ErrorLine(message string) []byte {
	body := a.ErrorBody(http.StatusBadGateway, message)
	switch a {
	case OpenAI:
		return append(append([]byte("data: "), body...), "\n\n"...)
	case Anthropic:
		return append(append([]byte("event: error\ndata: "), body...), "\n\n"...)
	}
	return append(body, '\n')
}
