package ollama

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// sentence is one of Ollama's own error sentences. The form matches it from its
// first to its last character; its groups are what rest looks at.
type sentence struct {
	form   *regexp.Regexp
	kind   evidence.SignKind
	status int // the only status that it comes with; 0 for any
	says   string
	rest   func(*Failure, []string)
}

// form compiles a whole sentence. Its dots match line ends, too: what a runner said
// last can be of several lines.
func form(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?s)^` + pattern + `$`) }

const (
	// anyRunner is how a release calls its runner: to 0.29, from 0.30, of MLX models.
	anyRunner = `(?:llama runner|llama-server|mlx runner)`
	notFound  = "Ollama does not have the model"
	stopped   = `model runner has unexpectedly stopped, this may be due to resource limitations or an internal error(?:, check ollama server logs for details)?`
	// local is a call of Ollama's to its runner that broke off, as Go tells of it.
	local = `(?:Get|Post) "http://127\.0\.0\.1:\d+/[a-z0-9/]*": (?:EOF|unexpected EOF|(?:read|write|dial) tcp 127\.0\.0\.1[^"]*)`
	size  = `(\d+(?:\.\d+)? ?[KMGT]?i?B)`
)

// sentences are those of releases 0.9 to 0.33 that say something about the server or
// that an operator has to read, the more special ones first (read in 0.9.6 and
// 0.32.14: llm/server.go, llm/llama_server.go, server/sched.go, server/routes.go,
// x/mlxrunner/client.go, server/images.go).
var sentences = []sentence{
	{form: form(stopped + `(?:: (.*))?`), kind: evidence.SignRunnerDied, says: "the model's runner has unexpectedly stopped", rest: lastWords},
	{form: form(anyRunner + ` process has terminated(?:: (.*))?`), kind: evidence.SignRunnerDied, says: "the runner's process has terminated", rest: lastWords},
	{form: form(anyRunner + ` process no longer running: (.*)`), kind: evidence.SignRunnerDied, says: "the runner's process is no longer running", rest: lastWords},
	{form: form(`mlx runner exited unexpectedly: (.*)`), kind: evidence.SignRunnerDied, says: "the runner's process has terminated", rest: lastWords},
	{form: form(`an error was encountered while running the model: (.*)`), kind: evidence.SignRunnerDied, says: "an error was encountered while running the model", rest: lastWords},
	// What a request is told that waited for the slot of a runner that died
	// (seen on 0.9.6): Ollama asked its runner whether it lives.
	{form: form(`connection refused`), kind: evidence.SignRunnerDied, says: "the runner refused Ollama's connection"},
	{form: form(`health resp: ` + local), kind: evidence.SignRunnerDied, says: "the runner did not tell Ollama its health"},
	{form: form(`error reading (?:llm|llama-server) response: (?:unexpected EOF|read tcp 127\.0\.0\.1[^"]*)`), kind: evidence.SignRunnerDied, says: "the runner broke off in mid-answer"},
	{form: form(`(?:failed to generate embeddings: )?do embedding request: ` + local), kind: evidence.SignRunnerDied, says: "the runner broke off while it embedded"},

	{form: form(`model requires more system memory \(` + size + `\) than is available \(` + size + `\)`), kind: evidence.SignOutOfMemory, rest: func(f *Failure, m []string) {
		f.Says = "the model requires more system memory (" + m[0] + ") than is available (" + m[1] + ")"
	}},
	{form: form(`unable to load full model on GPU`), kind: evidence.SignOutOfMemory, says: "the model does not fit on the GPU"},
	{form: form(`server busy, please try again\.  maximum pending requests exceeded`), status: http.StatusServiceUnavailable, kind: evidence.SignOverloaded, says: "the server is busy, its queue is full"},

	{form: form(`timed out waiting for ` + anyRunner + ` to start.*`), says: "the runner did not start in time"},
	{form: form(`unable to load model: .*`), says: "the model's file cannot be loaded"},
	{form: form(`model "[^"]*" not found(?:, try pulling it first)?`), says: notFound},
	{form: form(`model '[^']*' not found`), says: notFound},
	{form: form(`"[^"]*" does not support (generate|chat|embeddings?|thinking|tools)`), rest: func(f *Failure, m []string) {
		f.Says = "the model does not support " + m[0]
	}},
	{form: form(`pull model manifest: file does not exist`), says: "the registry does not have the model"},
	{form: form(`pull model manifest: .*`), says: "the registry did not tell what the model consists of"},
	{form: form(`max retries exceeded: .*`), says: "the download broke off too often"},
	{form: form(`(?:open|write|mkdir|truncate|rename) /\S+: (no space left on device|permission denied|read-only file system)`), rest: func(f *Failure, m []string) {
		f.Says = "Ollama cannot write its models: " + m[0]
	}},
	{form: form(`unauthorized(?:: .*)?`), says: "unauthorized"},
}

// ending is how a process ended, at the beginning of a runner's last words.
var ending = regexp.MustCompile(`^(signal: (?:killed|aborted|segmentation fault|bus error|illegal instruction|floating point exception|terminated|trace/breakpoint trap)|exit status (?:\d+|0x[0-9a-f]+)|unexpected EOF)(?: |:|\n|$)`)

// outOfMemory is a line of a runner's that says that memory ran out, as the backends
// of llama.cpp word it.
var outOfMemory = regexp.MustCompile(`(?m)^(?:signal: [a-z ]+: |exit status \S+: |-?\d+ )?(?:CUDA error: out of memory|ROCm error: out of memory|cudaMalloc failed: out of memory|hipMalloc failed: out of memory|vk::Device::allocateMemory: ErrorOutOfDeviceMemory|ggml_[a-z_]+: (?:allocating [0-9.]+ MiB on device \d+: (?:cudaMalloc|hipMalloc) failed: out of memory|failed to allocate [^\n]*)|error loading model: unable to allocate [A-Za-z0-9_]+ buffer|llama_init_from_model: failed to initialize the context: failed to allocate [^\n]*)`)

// lastWords looks at what the runner said last, which can hold what a client wrote (a
// grammar that llama.cpp could not read): nothing of it is repeated but how the
// process ended, and nothing of it counts but whole lines that are known.
func lastWords(f *Failure, match []string) {
	words := strings.TrimSpace(match[0])
	if outOfMemory.MatchString(words) {
		f.Kind = evidence.SignOutOfMemory
		f.Says += ": out of memory"
		return
	}
	if how := ending.FindStringSubmatch(words); how != nil {
		f.Says += ": " + how[1]
	}
}
