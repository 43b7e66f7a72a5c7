package ollama

import (
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		want   evidence.SignKind
	}{
		{500, "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details", evidence.SignRunnerDied},
		{500, "llama runner process has terminated: exit status 2", evidence.SignRunnerDied},
		{500, "llama-server process has terminated: signal: killed", evidence.SignRunnerDied},
		{200, "an error was encountered while running the model: unexpected EOF", evidence.SignRunnerDied},
		{200, "connection refused", evidence.SignRunnerDied},
		{500, "health resp: Get \"http://127.0.0.1:41234/health\": EOF", evidence.SignRunnerDied},
		{500, "pull model manifest: dial tcp: connection refused", ""},
		{500, "llama runner process has terminated: cudaMalloc failed: out of memory", evidence.SignOutOfMemory},
		{200, "an error was encountered while running the model: CUDA error: out of memory", evidence.SignOutOfMemory},
		{500, "model requires more system memory (21.0 GiB) than is available (8.0 GiB)", evidence.SignOutOfMemory},
		{503, "server busy, please try again.  maximum pending requests exceeded", evidence.SignOverloaded},
		{503, "", evidence.SignOverloaded},
		{400, "unexpected EOF", ""},
		{404, "model 'nope' not found", ""},
		{500, "timed out waiting for llama-server to start", ""},
		{200, "", ""},
	} {
		if got, known := Classify(c.status, c.text); got != c.want || known != (c.want != "") {
			t.Errorf("%d %q: %q, want %q", c.status, c.text, got, c.want)
		}
	}
}

func TestErrorTextIsBounded(t *testing.T) {
	for _, body := range []string{strings.Repeat("x", 10_000), `{"error":"` + strings.Repeat("x", 10_000) + `"}`} {
		if got := ErrorText([]byte(body)); len(got) != maxDetail {
			t.Errorf("%d bytes", len(got))
		}
	}
}
