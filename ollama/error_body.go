package ollama

import (
	"encoding/json"
	"net/http"
)

// errorTypes are what the clients' libraries know an error by, beside its status.
// They are Anthropic's; OpenAI's libraries go by the status, and Ollama gives them
// these, too.
var errorTypes = map[int]string{
	http.StatusBadRequest:            "invalid_request_error",
	http.StatusUnauthorized:          "authentication_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestTimeout:        "timeout_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusServiceUnavailable:    "overloaded_error",
	http.StatusGatewayTimeout:        "timeout_error",
}

// errorType is the type of an error with that status.
func (a API) errorType(status int) string {
	known, is := errorTypes[status]
	switch {
	case a == OpenAI && status == http.StatusServiceUnavailable:
		return "service_unavailable"
	case is:
		return known
	case status/100 == 4:
		return "invalid_request_error"
	}
	return "api_error"
}

// ErrorBody is an error as clients of this API expect it. The type and code
// are the families' own; status is the HTTP status that goes with it.
func (a API) ErrorBody(status int, message string) []byte {
	kind := a.errorType(status)
	var answer any
	switch a {
	case OpenAI:
		answer = map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": kind}}
	case Anthropic:
		answer = map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}}
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
