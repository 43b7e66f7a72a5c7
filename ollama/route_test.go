package ollama

import (
	"fmt"
	"net/http"
	"testing"
)

func TestRouteOf(t *testing.T) {
	for _, c := range []struct {
		method, path, name string
		inference          bool
	}{
		{"POST", "/api/chat", "/api/chat", true},
		{"POST", "//api///chat/", "/api/chat", true},
		{"POST", "/API/Chat", "/api/chat", true},
		{"POST", "/x/../api/generate", "/api/generate", true},
		{"POST", "api/embed", "/api/embed", true},
		{"POST", "/v1/messages", "/v1/messages", true},
		{"POST", "/v1/images/generations", "/v1/other", true},
		{"GET", "/api/chat", "/api/chat", false},
		{"POST", "/api/show", "/api/show", false},
		{"POST", "/api/pull", "/api/pull", false},
		{"GET", "/v1/models/qwen3:32b", "/v1/models", false},
		{"HEAD", "/api/blobs/sha256:00", "/api/blobs", false},
		{"GET", "/", "/", false},
		{"POST", "/apichat", "other", false},
		{"GET", "/api/unheard/of", "/api/other", false},
		{"OPTIONS", "*", "other", false},
	} {
		got := RouteOf(c.method, c.path)
		if got.Name != c.name || got.Inference != c.inference {
			t.Errorf("%s %s: %+v, want %s, inference %v", c.method, c.path, got, c.name, c.inference)
		}
	}
}

func TestErrorsHaveTheFormOfTheirAPI(t *testing.T) {
	for path, want := range map[string]string{
		"/api/chat":            `{"error":"no"}`,
		"/v1/chat/completions": `{"error":{"code":"service_unavailable","message":"no","param":null,"type":"service_unavailable"}}`,
		"/v1/messages":         `{"error":{"message":"no","type":"overloaded_error"},"type":"error"}`,
	} {
		body := RouteOf("POST", path).API.ErrorBody(http.StatusServiceUnavailable, "no")
		if string(body) != want {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
		if got := ErrorText(body); got != "no" {
			t.Errorf("%s: read back as %q", path, got)
		}
	}
}

func TestErrorsHaveTheTypeOfTheirStatus(t *testing.T) {
	for status, want := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
		405: "invalid_request_error", 408: "timeout_error", 413: "request_too_large", 415: "invalid_request_error",
		429: "rate_limit_error", 431: "invalid_request_error", 500: "api_error", 502: "api_error", 504: "timeout_error",
	} {
		for path, form := range map[string]string{
			"/v1":          `{"error":{"code":"%s","message":"no","param":null,"type":"%[1]s"}}`,
			"/v1/nothing":  `{"error":{"code":"%s","message":"no","param":null,"type":"%[1]s"}}`,
			"/v1/messages": `{"error":{"message":"no","type":"%s"},"type":"error"}`,
		} {
			if got, want := string(RouteOf("GET", path).API.ErrorBody(status, "no")), fmt.Sprintf(form, want); got != want {
				t.Errorf("%d on %s: %s, want %s", status, path, got, want)
			}
		}
	}
}
