package ollama

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

const stoppedWords = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"

const (
	retried  = "llama-server startup failed after projector CPU offload retry: "
	computed = `{"error":{"code":500,"message":"Compute error.","type":"server_error"}}`
)

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
		{500, "llama runner process no longer running: 2 cudaMalloc failed: out of memory", evidence.SignOutOfMemory, "HTTP status 500: the runner's process is no longer running: out of memory"},
		{500, "llama-server process no longer running: unknown CUDA error: out of memory\nGGML_ASSERT(x) failed", evidence.SignOutOfMemory, "HTTP status 500: the runner's process is no longer running: out of memory"},
		{500, "llama-server process has terminated: cudaMalloc failed: out of memory: cudaMalloc failed: out of memory", evidence.SignOutOfMemory, "HTTP status 500: the runner's process has terminated: out of memory"},
		{500, "llama-server process has terminated: exit status 1: ggml_gallocr_reserve_n_impl: failed to allocate CUDA0 buffer of size 1048576", evidence.SignOutOfMemory, "HTTP status 500: the runner's process has terminated: out of memory"},
		{500, "llama-server process has terminated: exit status 12345678901", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated"},
		{500, "model requires more system memory (" + strings.Repeat("9", 11) + " GiB) than is available (8.0 GiB)", "", "HTTP status 500: an error of 79 bytes that Clawgate does not know"},
		{500, "model requires 21.0 GiB but only 8.0 GiB are available (after 512 MiB overhead)", evidence.SignOutOfMemory, "HTTP status 500: the model requires 21.0 GiB of memory but only 8.0 GiB are available"},
		{500, "llama-server reported out-of-memory during startup: ggml_metal: not enough memory", evidence.SignOutOfMemory, "HTTP status 500: llama-server ran out of memory while it started"},
		{500, "llama-server reported out-of-memory during startup: llama-server error: {\"status\":\"error\",\"message\":\"out of memory\"}", evidence.SignOutOfMemory, "HTTP status 500: llama-server ran out of memory while it started"},
		{500, retried + "llama-server process has terminated: exit status 1: loading failed", evidence.SignRunnerDied, "HTTP status 500: llama-server did not start with its projector on the CPU either: the runner's process has terminated: exit status 1"},
		{500, retried + "llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory", evidence.SignOutOfMemory, "HTTP status 500: llama-server did not start with its projector on the CPU either: llama-server ran out of memory while it started"},
		{500, retried + "timed out waiting for llama-server to start - ", "", "HTTP status 500: llama-server did not start with its projector on the CPU either: the runner did not start in time"},
		{500, retried + "something else", "", "HTTP status 500: llama-server did not start with its projector on the CPU either"},
		{500, retried + retried + retried + "connection refused", "", "HTTP status 500: llama-server did not start with its projector on the CPU either: llama-server did not start with its projector on the CPU either"},
		{500, "llama-server startup failed before projector CPU offload retry: llama-server reported out-of-memory during startup: a\nb; error stopping failed process: signal: killed", evidence.SignOutOfMemory, "HTTP status 500: llama-server could not be started again with its projector on the CPU: llama-server ran out of memory while it started"},
		{500, "llama-server startup failed before projector CPU offload retry: llama-server process has terminated: signal: killed: cudaMalloc failed: out of memory; error starting retry: fork/exec /x: permission denied", evidence.SignOutOfMemory, "HTTP status 500: llama-server could not be started again with its projector on the CPU: the runner's process has terminated: out of memory"},
		{500, computed + "\ncudaMalloc failed: out of memory", evidence.SignOutOfMemory, "HTTP status 500: llama-server could not compute: out of memory"},
		{500, "{\"error\":{\"message\":\"Compute error.\"}}\nerror: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)", evidence.SignOutOfMemory, "HTTP status 500: llama-server could not compute: out of memory"},
		{200, computed + "\nerror: something\nCUDA error: out of memory\nmore", evidence.SignOutOfMemory, "llama-server could not compute: out of memory"},
		{500, computed, "", "HTTP status 500: llama-server could not compute"},
		{500, computed + "\nnot enough memory", "", "HTTP status 500: llama-server could not compute"},
		{500, "Compute error.", "", "HTTP status 500: llama-server could not compute"},
		{200, "llama-server chat error: map[code:500 message:Compute error. type:server_error]", "", "llama-server could not compute"},
		{500, "error starting runner: fork/exec /usr/bin/ollama: cannot allocate memory ", evidence.SignOutOfMemory, "HTTP status 500: the runner's process could not be started: cannot allocate memory"},
		{500, "error starting llama-server: fork/exec /usr/lib/ollama/llama-server: exec format error ", "", "HTTP status 500: the runner's process could not be started: exec format error"},
		{500, "failed to start mlx runner: fork/exec /usr/bin/ollama: permission denied", "", "HTTP status 500: the runner's process could not be started: permission denied"},
		{500, "error starting llama-server: some other cause ", "", "HTTP status 500: the runner's process could not be started"},
		{500, "llama-server binary not found (checked: /usr/lib/ollama). Run 'cmake'", "", "HTTP status 500: Ollama does not find its llama-server"},
		{500, "error reading embed response: unexpected EOF", evidence.SignRunnerDied, "HTTP status 500: the runner broke off while it embedded"},
		{400, "error reading embed response: read tcp 127.0.0.1:5->127.0.0.1:41234: read: connection reset by peer", evidence.SignRunnerDied, "HTTP status 400: the runner broke off while it embedded"},
		{400, "do embedding request: Post \"http://127.0.0.1:41234/v1/embeddings\": EOF", evidence.SignRunnerDied, "HTTP status 400: the runner broke off while it embedded"},
		{400, "Post \"http://127.0.0.1:41234/tokenize\": dial tcp 127.0.0.1:41234: connect: connection refused", evidence.SignRunnerDied, "HTTP status 400: the runner broke off a call of Ollama's"},
		{500, "llama-server apply-template error: Post \"http://127.0.0.1:41234/apply-template\": EOF", evidence.SignRunnerDied, "HTTP status 500: the runner broke off a call of Ollama's"},
		{400, "connection refused", evidence.SignRunnerDied, "HTTP status 400: the runner refused Ollama's connection"},
		{500, "Post \"http://127.0.0.1:41234/api/chat\": EOF", "", "HTTP status 500: an error of 43 bytes that Clawgate does not know"},
		{422, "connection refused", "", "HTTP status 422: the runner refused Ollama's connection"},
		{500, "read health response: unexpected EOF", evidence.SignRunnerDied, "HTTP status 500: the runner did not tell Ollama its health"},
		{500, "failed reading llama-server error response: unexpected EOF", evidence.SignRunnerDied, "HTTP status 500: the runner broke off in mid-answer"},
		{200, "error reading llama-server chat response: unexpected EOF", evidence.SignRunnerDied, "the runner broke off in mid-answer"},
		{500, "mlx runner failed: panic: mlx: kernel (exit: exit status 2)", evidence.SignRunnerDied, "HTTP status 500: the runner's process has terminated"},
		{500, "mlx runner failed: CUDA error: out of memory (exit: signal: killed)", evidence.SignOutOfMemory, "HTTP status 500: the runner's process has terminated: out of memory"},
		{500, "timeout waiting for mlx runner to start", "", "HTTP status 500: the runner did not start in time"},
		{500, "unexpected server status: llm busy - no slots available", "", "HTTP status 500: the runner was not ready"},
		{500, "no slots available after 10 retries", "", "HTTP status 500: the runner had no free slot"},
		{500, "could not find an available sequence\n", "", "HTTP status 500: the runner had no free slot"},
		{500, "server error: {Status:2 Progress:0}", "", "HTTP status 500: the runner said that it is in error"},
		{500, "unsupported format: this model may be incompatible with your version of Ollama. If you previously pulled this model, try updating it by running `ollama pull m`", "", "HTTP status 500: the model's file may not fit this version of Ollama"},
		{200, "digest mismatch, file must be downloaded again: want sha256:1, got sha256:2", "", "the download is damaged"},
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
		"llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory", retried + "connection refused",
		computed + "\ncudaMalloc failed: out of memory", "error reading embed response: unexpected EOF",
		"do embedding request: Post \"http://127.0.0.1:1/v1/embeddings\": EOF", "Post \"http://127.0.0.1:1/tokenize\": EOF",
		"error starting runner: fork/exec /x: cannot allocate memory ", "mlx runner failed: CUDA error: out of memory",
	}
	frames := []string{
		"invalid format: \"%s\"; expected \"json\" or a valid JSON Schema object",
		"template: :1:3: executing \"\" at <index .Messages \"%s\">: error calling index",
		"json: cannot unmarshal %s into Go value", "failed to parse grammar: %s", "\"%s\"", "%s ", " %s", "x: %s", "%s\n",
		"pull model manifest: %s", "error starting llama-server: %s", "llama-server chat error: map[code:400 message:%s type:invalid_request_error]",
		"{\"error\":{\"code\":500,\"message\":\"%s\",\"type\":\"server_error\"}}", "tokenize error: %s",
		"{\"error\":{\"code\":500,\"message\":\"Compute error. %s\",\"type\":\"server_error\"}}\ncudaMalloc failed: out of memory",
		"llama-server error: {%s}", "unable to load model: %s",
		"%s: this model may be incompatible with your version of Ollama. If you previously pulled this model, try updating it by running `ollama pull m`",
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
	further := Classify(500, word+"x").Kind != "" || frame == "%s\n" && Classify(500, word+"\nx").Kind != ""
	return (frame == "%s " || frame == "%s\n") && further
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
		if got := Classify(500, computed+"\n"+tail); got.Kind != "" || got.Says != notComputed {
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

// The formats of OpenAI and Anthropic carry the same sentences.
func TestASentenceIsTheSameInEveryFormat(t *testing.T) {
	for _, text := range []string{computed + "\nCUDA error: out of memory", retried + "connection refused", "error reading embed response: unexpected EOF"} {
		for _, api := range []API{Native, OpenAI, Anthropic} {
			got := Classify(500, ErrorText(api.ErrorBody(500, text)))
			if want := Classify(500, text); got != want || got.Kind == "" {
				t.Errorf("%v %q: %q, want %q", api, text, got, want)
			}
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
	f.Add(500, retried+retried+"model requires more system memory (21.0 GiB) than is available (8.0 GiB)")
	f.Add(500, computed+"\nCUDA error: out of memory")
	f.Add(400, "error reading embed response: unexpected EOF")
	f.Fuzz(func(t *testing.T, status int, text string) {
		got := Classify(status, text)
		if status > 400 && status < 500 && got.Kind != "" {
			t.Errorf("%d %q hints at %q", status, text, got.Kind)
		}
		if len(got.String()) > 256 {
			t.Errorf("%d %q is told in %d bytes", status, text, len(got.String()))
		}
	})
}
