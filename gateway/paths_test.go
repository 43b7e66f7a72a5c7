package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWhatDoesNotExistIsNotForbidden(t *testing.T) {
	const openAI, native, anthropic = `"type":"not_found_error"`, `{"error":"`, `"type":"error"`
	inWorld(t, []string{keys}, func(w *world) {
		for _, c := range []struct {
			request string
			status  int
			allow   string
			body    string
		}{
			{"GET /v1", 404, "", openAI},
			{"GET /v1/", 404, "", openAI},
			{"GET /models", 404, "", native},
			{"GET /health", 404, "", native},
			{"GET /props", 404, "", native},
			{"GET /api/v0/models", 404, "", native},
			{"GET /v1/health", 404, "", openAI},
			{"POST /v1/rerank", 404, "", openAI},
			{"POST /v1/messages/batches", 404, "", anthropic},
			{"POST /chat/completions", 404, "", native},
			{"GET /v1/models/hf.co/me/mine", 404, "", openAI},
			{"GET /v1/models/hf.co%2Fme%2Fmine", 404, "", openAI},
			{"GET /favicon.ico", 404, "", native},
			{"POST /api/unknown", 404, "", native},
			{"POST /v2/chat", 404, "", native},
			{"POST /api/pull/x", 404, "", native},
			{"POST /%ff", 404, "", native},
			{"POST /api/chat%00", 404, "", native},
			{"POST /api%5Cpull", 404, "", native},
			{"OPTIONS /nothing", 404, "", native},
			{"GET /key/aaaaaaaaaaaaaaaa/api/tags", 404, "", native},

			{"GET /v1/responses", 405, "POST", `"type":"invalid_request_error"`}, // a web socket begins so
			{"GET /api/chat", 405, "POST", native},
			{"POST /api/tags", 405, "GET, HEAD", native},
			{"HEAD /api/ps", 405, "GET", ""},
			{"HEAD /v1/models", 405, "GET", ""},
			{"HEAD /api/show", 405, "POST", ""},
			{"DELETE /v1/models/mine", 405, "GET", `"type":"invalid_request_error"`},
			{"POST /api/delete", 405, "DELETE", native},
			{"GET /api/pull", 405, "POST", native}, // also of a class that is not open
			{"OPTIONS /api/chat", 405, "POST", native},
			{"PUT /", 405, "GET, HEAD", native},
			{"post /api/chat", 405, "POST", native},

			{"POST /api/pull", 403, "", "CLAWGATE_GATEWAY_ALLOW"},
			{"HEAD /api/blobs/sha256:0", 403, "", ""},

			{"HEAD /", 200, "", ""},
			{"HEAD /api/tags", 200, "", ""},
			{"HEAD /api/version", 200, "", ""},
			{"GET /v1/models/qwen3:32b", 200, "", ""},
		} {
			method, path, _ := strings.Cut(c.request, " ")
			before := len(w.paths())
			got := w.do(method, path, "", "Authorization", alice, "Connection", "Upgrade", "Upgrade", "websocket")
			if got.status != c.status || got.header.Get("Allow") != c.allow || !strings.Contains(got.body, c.body) {
				t.Errorf("%s: %+v", c.request, got)
			}
			if went := len(w.paths()) > before; went != (c.status == 200) {
				t.Errorf("%s went on: %v", c.request, went)
			}
		}
	})
}

func TestWhoHasNoKeyLearnsOfNoPath(t *testing.T) {
	inWorld(t, []string{keys}, func(w *world) {
		seen := map[string][]string{}
		for _, path := range []string{"/", "/api/tags", "/api/chat", "/api/pull", "/api/nothing", "/nothing", "/key/cccccccccccccccc/api/tags", "//api", "/api%5Cpull"} {
			for _, method := range []string{"GET", "POST", "PUT"} {
				got := w.do(method, path, "")
				got.header.Del("X-Request-Id")
				answer := fmt.Sprint(got)
				seen[answer] = append(seen[answer], method+" "+path)
			}
		}
		if len(seen) != 1 {
			t.Errorf("they are answered in %d ways: %v", len(seen), seen)
		}
	})
}

// The first of these that is wrong with a request decides, whatever else is.
func TestTheOrderOfTheChecks(t *testing.T) {
	environ := []string{keys, "CLAWGATE_GATEWAY_HOSTS=chat.example.com", "CLAWGATE_GATEWAY_RATE_LIMIT=6", "CLAWGATE_GATEWAY_CORS_ORIGINS=https://page.example"}
	inWorld(t, environ, func(w *world) {
		w.do("GET", "/api/tags", "", "Authorization", alice) // the rate is spent
		faults := []struct {
			status              int
			reason              string
			method, path        string
			host, origin, value string
		}{
			{403, "host", "", "", "evil.example", "", ""},
			{204, "", "OPTIONS", "", "", "https://page.example", ""},
			{403, "origin", "", "", "", "https://evil.example", ""},
			{401, "key", "", "", "", "", "none"},
			{404, "unknown_path", "", "/nothing", "", "", ""},
			{405, "method", "PUT", "", "", "", ""},
			{403, "not_allowed", "POST", "/api/pull", "", "", ""},
			{429, "rate_limit", "GET", "/api/tags", "chat.example.com", "https://page.example", "valid"},
		}
		for i, decides := range faults {
			method, path, headers := "", "", map[string]string{}
			for _, fault := range slices.Backward(faults[i:]) { // the earlier one prevails
				set := func(to *string, value string) {
					if value != "" {
						*to = value
					}
				}
				set(&method, fault.method)
				set(&path, fault.path)
				for name, value := range map[string]string{"Host": fault.host, "Origin": fault.origin, "Authorization": fault.value} {
					if value != "" {
						headers[name] = strings.NewReplacer("valid", alice, "none", "").Replace(value)
					}
				}
			}
			pairs := []string{"Access-Control-Request-Method", "POST"}
			for name, value := range headers {
				pairs = append(pairs, name, value)
			}
			got := w.do(method, path, "", pairs...)
			logged := w.requests()
			if reason, _ := logged[len(logged)-1]["refused"].(string); got.status != decides.status || reason != decides.reason {
				t.Errorf("%s %s %v: %d for %s, want %d for %s", method, path, headers, got.status, reason, decides.status, decides.reason)
			}
		}
		if got := w.do("GET", "/-/ready", "", "Origin", "https://evil.example"); got.status != 200 {
			t.Errorf("its own paths come before the checks: %+v", got)
		}
	})
}
