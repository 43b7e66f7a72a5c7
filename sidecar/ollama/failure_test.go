package ollama

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

const stoppedWords = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"

func TestOllamasOwnSentencesAreKnown(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		want   evidence.SignKind
		says   string
	}{
		{500, stoppedWords, evidence.SignRunnerDied, "HTTP status 500: the model's runner has unexpectedly stopped"},
		{500, stoppedWords + ": CUDA error: an illegal memory access was encountered", evidence.SignRunnerDied, "HTTP status 500: the model's runner has unexpectedly stopped"},
		{500, "llama runner process has terminated: exit status 2", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated: exit status 2"},
		{500, "llama-server process has terminated: signal: killed", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated: signal: killed"},
		{500, "llama-server process has terminated: exit status 1: error loading model: corrupt", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated: exit status 1"},
		{500, "llama-server process has terminated", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated"},
		{500, "llama runner process no longer running: -1 ", evidence.SignRunnerDied, "HTTP status 500: the runner's process is no longer running"},
		{200, "an error was encountered while running the model: unexpected EOF", evidence.SignRunnerDied, "an error was encountered while running the model: unexpected EOF"},
		{200, "connection refused", evidence.SignRunnerDied, "the runner refused Ollama's connection"},
		{500, "health resp: Get \"http://127.0.0.1:41234/health\": EOF", evidence.SignRunnerDied, "HTTP status 500: the runner did not tell Ollama its health"},
		{500, "do embedding request: Post \"http://127.0.0.1:41234/embedding\": read tcp 127.0.0.1:5->127.0.0.1:41234: read: connection reset by peer", evidence.SignRunnerDied, "HTTP status 500: the runner broke off while it embedded"},
		{500, "llama runner process has terminated: cudaMalloc failed: out of memory", evidence.SignOutOfMemory, "HTTP status 500: the runner's process has terminated: out of memory"},
		{500, "llama-server process has terminated: exit status 1: ggml_backend_cuda_buffer_type_alloc_buffer: allocating 1024.00 MiB on device 0: cudaMalloc failed: out of memory\nerror loading model", evidence.SignOutOfMemory, "HTTP status 500: the runner's process has terminated: out of memory"},
		{200, "an error was encountered while running the model: CUDA error: out of memory", evidence.SignOutOfMemory, "an error was encountered while running the model: out of memory"},
		{500, "model requires more system memory (21.0 GiB) than is available (8.0 GiB)", evidence.SignOutOfMemory, "HTTP status 500: the model requires more system memory (21.0 GiB) than is available (8.0 GiB)"},
		{503, "server busy, please try again.  maximum pending requests exceeded", evidence.SignOverloaded, "HTTP status 503: the server is busy, its queue is full"},
		{404, "model \"nope\" not found, try pulling it first", "", "HTTP status 404: Ollama does not have the model"},
		{500, "timed out waiting for llama-server to start - ", "", "HTTP status 500: the runner did not start in time"},
		{500, "open /root/.ollama/models/blobs/sha256-1-partial: no space left on device", "", "HTTP status 500: Ollama cannot write its models: no space left on device"},
		{500, "", "", "HTTP status 500"},
	} {
		if got := Classify(c.status, c.text); got.Kind != c.want || got.String() != c.says {
			t.Errorf("%d %q: %q %q, want %q %q", c.status, c.text, got.Kind, got, c.want, c.says)
		}
	}
}

// A client's words come back in errors, quoted and in the middle; they never count,
// and nothing of them is repeated.
func TestAClientsWordsAreNotOllamas(t *testing.T) {
	words := []string{
		"process has terminated", "llama runner process has terminated: signal: killed", stoppedWords, "connection refused", "unexpected EOF",
		"an error was encountered while running the model: unexpected EOF", "cudaMalloc failed: out of memory",
		"model requires more system memory (21.0 GiB) than is available (8.0 GiB)",
		"server busy, please try again.  maximum pending requests exceeded", "out of memory\ncudaMalloc failed: out of memory\n",
	}
	frames := []string{
		"invalid format: \"%s\"; expected \"json\" or a valid JSON Schema object",
		"template: :1:3: executing \"\" at <index .Messages \"%s\">: error calling index",
		"json: cannot unmarshal %s into Go value", "failed to parse grammar: %s", "\"%s\"", "%s ", " %s", "x: %s", "%s\n",
		"pull model manifest: %s",
	}
	for _, word := range words {
		for _, frame := range frames {
			for _, status := range []int{200, 400, 429, 500, 502, 503} {
				text := strings.Replace(frame, "%s", word, 1)
				got := Classify(status, text)
				if got.Kind != "" && !trails(word, frame) {
					t.Errorf("%d %q hints at %q", status, text, got.Kind)
				}
				if strings.Contains(got.String(), "21.0 GiB") || strings.Contains(got.String(), "invalid format") {
					t.Errorf("%d %q is repeated: %q", status, text, got)
				}
			}
		}
	}
}

// trails says that the frame only lengthens what a runner said last: the sentence
// before it is still Ollama's own.
func trails(word, frame string) bool {
	return (frame == "%s " || frame == "%s\n") && Classify(500, word+"x").Kind != ""
}

// What a runner said last can hold a client's words (a grammar that llama.cpp could not
// read). None of them is repeated, and none in the middle of a line counts.
func TestARunnersLastWordsAreNotRepeated(t *testing.T) {
	const secret = "Ada Lovelace"
	for _, tail := range []string{
		"parse: error parsing grammar: expecting ::= at " + secret + " cudaMalloc failed: out of memory",
		"signal: " + secret, "exit status " + secret, secret + "\nsignal: killed", "exit status 1: " + secret,
	} {
		got := Classify(500, "llama-server process has terminated: "+tail)
		if got.Kind != evidence.SignRunnerDied || strings.Contains(got.String(), secret) {
			t.Errorf("%q: %q %q", tail, got.Kind, got)
		}
	}
}

func TestWhatOllamaCallsTheClientsMistakeHintsAtNothing(t *testing.T) {
	for status := 400; status < 500; status++ {
		if got := Classify(status, stoppedWords); got.Kind != "" {
			t.Fatalf("%d hints at %q", status, got.Kind)
		}
	}
}

func TestErrorTextIsBoundedAndOllamasOwn(t *testing.T) {
	long, _ := json.Marshal(map[string]string{"error": strings.Repeat("x", 100_000)})
	if got := ErrorText(long); len(got) != maxErrorText {
		t.Errorf("%d bytes", len(got))
	}
	for body, want := range map[string]string{
		`{"error":"plain"}`: "plain", `{"error":{"message":"inside"}}`: "inside", "\n {\"error\":\"blank\"}": "blank",
		`{"error":7}`: "", `{}`: "", "connection refused": "", `{"error":"cut`: "", "": "",
	} {
		if got := ErrorText([]byte(body)); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(500, stoppedWords+": tail")
	f.Add(503, "server busy")
	f.Fuzz(func(t *testing.T, status int, text string) {
		got := Classify(status, text)
		if status >= 400 && status < 500 && got.Kind != "" {
			t.Errorf("%d %q hints at %q", status, text, got.Kind)
		}
		if len(got.String()) > 200 {
			t.Errorf("%d %q is told in %d bytes", status, text, len(got.String()))
		}
	})
}
