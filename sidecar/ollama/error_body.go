package ollama

import (
	"encoding/json"
	"net/http"
)

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
