package policy

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/ollama"
)

// classify is what the door asks about a request, in its order.
func classify(method, urlPath string) (class ollama.Class, clean string, known bool) {
	endpoint, known := Find(urlPath)
	if !known {
		return "", "", false
	}
	class, known = endpoint.Class(method)
	return class, endpoint.Path, known
}

func TestOnlyWhatIsKnownIsLetThrough(t *testing.T) {
	for _, c := range []struct {
		method, path string
		class        ollama.Class
		clean        string
	}{
		{"GET", "/", ollama.Inspect, "/"},
		{"HEAD", "", ollama.Inspect, "/"},
		{"GET", "..", ollama.Inspect, "/"},
		{"GET", "/api/version", ollama.Inspect, "/api/version"},
		{"HEAD", "/api/tags", ollama.Inspect, "/api/tags"},
		{"GET", "/api/ps", ollama.Inspect, "/api/ps"},
		{"HEAD", "/api/ps", "", "/api/ps"},
		{"POST", "/api/show", ollama.Inspect, "/api/show"},
		{"GET", "/v1/models/", ollama.Inspect, "/v1/models"},
		{"GET", "/v1/models/qwen3:32b", ollama.Inspect, "/v1/models/qwen3:32b"},
		{"GET", "/v1/models/me/mine:1b", ollama.Inspect, "/v1/models/me/mine:1b"},
		{"GET", "/v1/models/hf.co/me/mine", "", ""},
		{"GET", "/v1/models/../../api/tags", ollama.Inspect, "/api/tags"},
		{"DELETE", "/v1/models/mine", "", "/v1/models/mine"},
		{"POST", "/api/chat/", ollama.Inference, "/api/chat"},
		{"GET", "/api/chat", "", "/api/chat"},
		{"post", "/api/chat", "", "/api/chat"},
		{"POST", "/v1/messages", ollama.Inference, "/v1/messages"},
		{"POST", "/v1/messages/count_tokens", ollama.Inference, "/v1/messages/count_tokens"},
		{"POST", "/v1/messages/batches", "", ""},
		{"POST", "/v1/audio/transcriptions", ollama.Inference, "/v1/audio/transcriptions"},
		{"POST", "/api/pull", ollama.Manage, "/api/pull"},
		{"POST", "//api/pull", ollama.Manage, "/api/pull"},
		{"POST", "/api//pull", ollama.Manage, "/api/pull"},
		{"POST", "/api/./pull", ollama.Manage, "/api/pull"},
		{"POST", "/api/x/../pull", ollama.Manage, "/api/pull"},
		{"POST", "/api/chat/../pull/", ollama.Manage, "/api/pull"},
		{"POST", "/api%2Fpull", "", ""},
		{"POST", "/API/pull", "", ""},
		{"POST", "/api/Chat", "", ""},
		{"POST", "/api/pull ", "", ""},
		{"POST", "/api/pull;x", "", ""},
		{"DELETE", "/api/delete", ollama.Manage, "/api/delete"},
		{"POST", "/api/delete", "", "/api/delete"},
		{"HEAD", "/api/blobs/sha256:00", ollama.Manage, "/api/blobs/sha256:00"},
		{"POST", "/api/blobs/sha256:00", ollama.Manage, "/api/blobs/sha256:00"},
		{"GET", "/api/blobs/sha256:00", "", "/api/blobs/sha256:00"},
		{"POST", "/api/blobs/a/b", "", ""},
		{"POST", "/api/blobs/", "", ""},
		{"OPTIONS", "*", "", ""},
		{"GET", "/-/ready", "", ""},
		{"GET", "/api/tags\x00", "", ""},
		{"GET", "/api/tags\n", "", ""},
		{"GET", "/x\x00/../api/tags", "", ""},
		{"GET", `/v1/models/a\b`, "", ""},
		{"GET", "/v1/models/\u0085", "", ""},
		{"GET", "/v1/models/\xff", "", ""},
	} {
		class, clean, known := classify(c.method, c.path)
		if class != c.class || clean != c.clean || known != (c.class != "") {
			t.Errorf("%s %q: %q %q %v, want %q %q", c.method, c.path, class, clean, known, c.class, c.clean)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"", "*", "..", "/", "//api/pull", "/api/./pull", "/api/x/../pull", "/api%2Fpull", "/API/pull",
		"/api/chat/", "/v1/models/a/b/../c", "/api/blobs/x", "/api/\x00", "/api/tags\n", `\api\pull`, "/\xff/..",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			f.Add(method, seed)
		}
	}
	f.Fuzz(func(t *testing.T, method, urlPath string) {
		class, clean, known := classify(method, urlPath)
		if !known {
			if class != "" {
				t.Fatalf("unknown, but of class %q", class)
			}
			return
		}
		if again := path.Clean("/" + clean); again != clean {
			t.Fatalf("%q is not clean: %q", clean, again)
		}
		if c, p, k := classify(method, clean); c != class || p != clean || !k {
			t.Fatalf("%q: %q %q %v the second time", clean, c, p, k)
		}
		fixed := slices.ContainsFunc(ollama.Endpoints(), func(known ollama.Endpoint) bool { return known.Path == clean })
		if !fixed && !strings.HasPrefix(clean, "/v1/models/") && !strings.HasPrefix(clean, "/api/blobs/") {
			t.Fatalf("%q is known and in no table", clean)
		}
	})
}

func TestAnotherMethodIsToldWhichThereAre(t *testing.T) {
	for path, want := range map[string]string{
		"/": "GET, HEAD", "/api/ps": "GET", "/api/chat": "POST", "/api/delete": "DELETE", "//api/tags/": "GET, HEAD",
		"/v1/models/me/mine": "GET", "/api/blobs/sha256:00": "HEAD, POST", "/v1/responses": "POST",
	} {
		endpoint, known := Find(path)
		if got := endpoint.Allow(); !known || got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestAPathAboveAnEndpointCoversIt(t *testing.T) {
	for path, want := range map[string]bool{
		"/api": true, "/v1": true, "/v1/audio": true, "/api/tags": true, "/v1/models/x": true, "/v1/models": true, "/api/blobs": true,
		"/ap": false, "/api/ollama": false, "/ollama": false, "/v1/modelsx": false,
	} {
		if got := Covers(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
