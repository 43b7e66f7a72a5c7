//go:build e2e

package clients

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Each way to hand a key over, each way to get it wrong, and what a page of the web
// is told, on a door that stands at /ollama of its host.
func TestKeysAndOrigins(t *testing.T) {
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	const authorization, right, wrong = "Authorization", key, key + "x"
	onEach(t, func(t *testing.T, s *stand) {
		door := s.door(t, map[string]string{
			"CLAWGATE_GATEWAY_API_KEYS": "alice:" + key, "CLAWGATE_GATEWAY_KEY_IN_PATH": "true", "CLAWGATE_GATEWAY_BASE_PATH": "/ollama",
			"CLAWGATE_GATEWAY_ALLOW": "inference,inspect", "CLAWGATE_GATEWAY_CORS_ORIGINS": "https://*.example.com,http://192.168.1.*:3000",
		})
		for _, f := range []struct {
			line    string
			status  int
			headers []string
		}{
			{"GET /api/tags", 200, []string{authorization, "Bearer " + right}},
			{"GET /api/tags", 200, []string{authorization, "bearer " + right}},
			{"GET /api/tags", 200, []string{authorization, right}},
			{"GET /api/tags", 200, []string{authorization, basic("anybody", right)}},
			{"GET /api/tags", 200, []string{"X-Api-Key", right}},
			{"GET /api/tags", 200, []string{"Api-Key", right}},
			{"GET /api/tags", 200, []string{authorization, "Bearer ollama", "X-Api-Key", right}},
			{"GET /key/" + right + "/api/tags", 200, nil},
			{"GET /key/" + right + "/api/tags", 200, []string{authorization, "Bearer ollama"}},
			{"GET /key/" + right + "//v1/models", 200, nil},
			{"HEAD /key/" + right + "/", 200, nil},
			{"GET /ollama/key/" + right + "/api/tags", 200, nil},
			{"GET /ollama/api/tags", 200, []string{authorization, "Bearer " + right}},
			{"GET /-/ready", 200, nil},
			{"GET /ollama/-/ready", 200, nil},

			{"GET /api/tags", 401, nil},
			{"GET /api/tags", 401, []string{authorization, "Bearer " + wrong}},
			{"GET /api/tags", 401, []string{authorization, basic(right, "")}},
			{"GET /key/" + wrong + "/api/tags", 401, nil},
			{"GET /nothing", 401, nil}, // nobody without a key learns what is there
			{"POST /api/pull", 401, nil},

			{"GET /nothing", 404, []string{authorization, right}},
			{"GET /key/" + right + "/ui/", 404, nil},
			{"GET /api/chat", 405, []string{authorization, right}},
			{"POST /api/pull", 403, []string{authorization, right}},

			{"GET /api/tags", 403, []string{"Origin", "https://evil.example", authorization, right}},
			{"GET /nothing", 403, []string{"Origin", "https://evil.example"}},
			{"GET /api/tags", 403, []string{"Origin", "null", authorization, right}},
			{"GET /api/tags", 403, []string{"Origin", "https://app.example.com.evil.example", authorization, right}},
			{"GET /api/tags", 401, []string{"Origin", "https://app.example.com"}},
			{"GET /api/tags", 200, []string{"Origin", "https://app.example.com", authorization, right}},
			{"GET /api/tags", 200, []string{"Origin", "http://192.168.1.7:3000", authorization, right}},
			{"GET /api/tags", 200, []string{"Origin", "app://obsidian.md", authorization, right}},
			{"GET /api/tags", 200, []string{"Origin", "vscode-webview://1q2w", authorization, right}},
			{"OPTIONS /api/chat", 204, []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "POST"}},
		} {
			method, path, _ := strings.Cut(f.line, " ")
			t.Run(fmt.Sprint(f.line, f.headers), func(t *testing.T) {
				answer, err := request{method: method, path: path, headers: f.headers}.send(t.Context(), "http://"+door.Door)
				if err != nil || answer.status != f.status {
					t.Errorf("%d, want %d: %s: %v", answer.status, f.status, answer.body, err)
				}
				if answer.status == 200 && strings.HasSuffix(path, "/api/tags") && !strings.Contains(string(answer.body), "qwen3:32b") {
					t.Errorf("it is no list: %s", answer.body)
				}
				if strings.Contains(fmt.Sprint(answer.header, string(answer.body)), key) || strings.HasPrefix(answer.header.Get("WWW-Authenticate"), "Basic") {
					t.Errorf("it shows the key, or offers Basic: %v %s", answer.header, answer.body)
				}
			})
		}
	})
}
