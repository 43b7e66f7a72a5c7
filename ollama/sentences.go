package ollama

import (
	"net/http"
	"regexp"

	"github.com/clawdbot/clawgate/evidence"
)

// sentence is one of Ollama's own error sentences. The form matches it from its
// first to its last character; its groups are what rest looks at.
type sentence struct {
	form    *regexp.Regexp
	kind    evidence.SignKind
	status  int // the only status that it comes with; 0 for any
	says    string
	load    LoadFailure // what a load failed of that is answered so
	refuses Question    // what the model cannot be asked
	rest    func(*Failure, []string)
	// wraps says that the form's group is another sentence of Ollama's, which tells
	// the cause.
	wraps bool
	// embeds says that it can be what an embedding failed of. Ollama answers those
	// with 400, whosever the fault is (0.32.14, server/routes.go, EmbedHandler).
	embeds bool
}

// form compiles a whole sentence. Its dots match line ends, too: what a runner said
// last can be of several lines.
func form(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?s)^` + pattern + `$`) }

const (
	// anyRunner is how a release calls its runner: to 0.29, from 0.30, of MLX models.
	anyRunner = `(?:llama runner|llama-server|mlx runner)`
	notFound  = "Ollama does not have the model"
	stopped   = `model runner has unexpectedly stopped, this may be due to resource limitations or an internal error(?:, check ollama server logs for details)?`
	embedding = `(?:failed to generate embeddings: )?`
	// local is a call of Ollama's to its runner that broke off, as Go tells of it.
	local = `(?:Get|Post) "http://127\.0\.0\.1:\d+/[a-z0-9/-]*"` + broke
	broke = `: (?:EOF|unexpected EOF|(?:read|write|dial) tcp 127\.0\.0\.1[^"]*)`
	// cut is an answer of the runner's that broke off.
	cut = `(?:unexpected EOF|read tcp 127\.0\.0\.1[^"]*)`
	// size is repeated, so that its digits are bounded.
	size = `(\d{1,10}(?:\.\d{1,10})? ?[KMGT]?i?B)`
	// computeError is llama-server's answer to a request whose batch it could not
	// compute: the whole of it, so that nothing of a client's is in it.
	computeError = `\{"error":\{(?:"code":5\d\d,)?"message":"Compute error\."(?:,"type":"server_error")?\}\}`
	notComputed  = "llama-server could not compute"
	noSlot       = "the runner had no free slot"
	notStarted   = "the runner did not start in time"
)

// refusals are the questions that "does not support" is said of; thinking and tools
// are no questions of their own.
var refusals = map[string]Question{"chat": Chat, "generate": Write, "embedding": Embed, "embeddings": Embed}

// sentences are those of releases 0.9 to 0.33 that say something about the server or
// that an operator has to read, the more special ones first. Read for them, in
// 0.9.6 and 0.32.14: llm, server/sched.go and server/routes.go, and in 0.32.14
// server/images.go and x/mlxrunner/client.go; the rest was searched. What answers in the format of OpenAI or of
// Anthropic puts the same text into "message", and adds nothing to it.
var sentences = []sentence{
	// What stands before it is any error that has "failed to load model" in it.
	{form: form(`.*: this model may be incompatible with your version of Ollama\. If you previously pulled this model, try updating it by running .ollama pull \S*`), load: FileUnsupported, says: "the model's file may not fit this version of Ollama"},
	{form: form(`'llama3\.2-vision' is no longer compatible with your version of Ollama and has been replaced by a newer version\. To re-download, run 'ollama pull llama3\.2-vision'`), load: FileUnsupported, says: "this version of Ollama does not run the model's file any more"},
	{form: form(`(?:this model requires MLX support, but the MLX runtime is not available|MLX (?:is not supported on|on macOS requires) .*)`), load: FileUnsupported, says: "the model needs MLX, which is not there"},
	{form: form(stopped + `(?:: (.*))?`), kind: evidence.SignRunnerDied, says: "the model's runner has unexpectedly stopped", rest: lastWords},
	{form: form(anyRunner + ` process has terminated(?:: (.*))?`), kind: evidence.SignRunnerDied, says: "the runner's process has terminated", rest: afterLoad},
	{form: form(anyRunner + ` process no longer running: (.*)`), kind: evidence.SignRunnerDied, embeds: true, says: "the runner's process is no longer running", rest: afterLoad},
	{form: form(`mlx runner (?:exited unexpectedly|failed): (.*)`), kind: evidence.SignRunnerDied, says: "the runner's process has terminated", rest: afterLoad},
	{form: form(`an error was encountered while running the model: (.*)`), kind: evidence.SignRunnerDied, says: "an error was encountered while running the model", rest: lastWords},
	// What a request is told that waited for the slot of a runner that died
	// (seen on 0.9.6): Ollama asked its runner whether it lives.
	{form: form(`connection refused`), kind: evidence.SignRunnerDied, embeds: true, says: "the runner refused Ollama's connection"},
	{form: form(`health resp: ` + local), kind: evidence.SignRunnerDied, embeds: true, says: "the runner did not tell Ollama its health"},
	{form: form(`read health (?:request|response): ` + cut), kind: evidence.SignRunnerDied, embeds: true, says: "the runner did not tell Ollama its health"},
	{form: form(`error reading (?:llm|llama-server|llama-server chat) response: ` + cut), kind: evidence.SignRunnerDied, says: "the runner broke off in mid-answer"},
	{form: form(`failed reading (?:llm error|llama-server error|llama-server template) response: ` + cut), kind: evidence.SignRunnerDied, says: "the runner broke off in mid-answer"},
	{form: form(embedding + `do embedding request: ` + local), kind: evidence.SignRunnerDied, embeds: true, says: "the runner broke off while it embedded"},
	{form: form(embedding + `error reading embed response: ` + cut), kind: evidence.SignRunnerDied, embeds: true, says: "the runner broke off while it embedded"},
	// The calls that have no words of Ollama's before Go's: to split a text into
	// tokens, and to the runner of an MLX model. By their paths: a client that names
	// a registry or the host of a remote model makes Ollama call what it likes, by
	// other paths.
	{form: form(`(?:llama-server apply-template error: )?Post "http://127\.0\.0\.1:\d+/(?:tokenize|detokenize|apply-template|completion|v1/tokenize)"` + broke), kind: evidence.SignRunnerDied, embeds: true, says: "the runner broke off a call of Ollama's"},

	// Nobody has asked anything of a runner that starts: what it says is its own.
	{form: form(`llama-server reported out-of-memory during startup: .*`), kind: evidence.SignOutOfMemory, load: TooLarge, says: "llama-server ran out of memory while it started"},
	{form: form(`llama-server startup failed before projector CPU offload retry: (.*); error (?:stopping failed process|starting retry): .*`), wraps: true, says: "llama-server could not be started again with its projector on the CPU"},
	{form: form(`llama-server startup failed after projector CPU offload retry: (.*)`), wraps: true, says: "llama-server did not start with its projector on the CPU either"},
	{form: form(`model requires more system memory \(` + size + `\) than is available \(` + size + `\)`), kind: evidence.SignOutOfMemory, load: TooLarge, rest: func(f *Failure, m []string) {
		f.Says = "the model requires more system memory (" + m[0] + ") than is available (" + m[1] + ")"
	}},
	{form: form(`model requires ` + size + ` but only ` + size + ` are available \(after ` + size + ` overhead\)`), kind: evidence.SignOutOfMemory, load: TooLarge, rest: func(f *Failure, m []string) {
		f.Says = "the model requires " + m[0] + " of memory but only " + m[1] + " are available"
	}},
	{form: form(`unable to load full model on GPU`), kind: evidence.SignOutOfMemory, load: TooLarge, says: "the model does not fit on the GPU"},
	{form: form(computeError + `(?:\n(.*))?`), says: notComputed, rest: memoryRanOut},
	{form: form(`Compute error\.|llama-server chat error: map\[code:5\d\d message:Compute error\. type:server_error\]`), says: notComputed},
	{form: form(`server busy, please try again\.  maximum pending requests exceeded`), status: http.StatusServiceUnavailable, kind: evidence.SignOverloaded, says: "the server is busy, its queue is full"},

	{form: form(`timed out waiting for ` + anyRunner + ` to start.*`), load: LoadStalled, says: notStarted},
	{form: form(`timeout waiting for mlx runner(?: to start|: .*)`), load: LoadStalled, says: notStarted},
	{form: form(`(?:error starting (?:runner|llama-server)|failed to start mlx runner): (.*)`), load: NotStarted, says: "the runner's process could not be started", rest: whyNotStarted},
	{form: form(`llama-server binary not found \(checked: .*`), load: NotStarted, says: "Ollama does not find its llama-server"},
	{form: form(`unexpected server status: llm [a-z -]+|server not responding`), says: "the runner was not ready"},
	{form: form(`no slots available after \d+ retries`), says: noSlot},
	{form: form(`(?:could not find an available sequence|Failed to load cache: no available cache slots)\n?`), says: noSlot},
	{form: form(`(?:llama-server|server) error: \{.*`), says: "the runner said that it is in error"},
	{form: form(`unable to load model: .*`), load: FileUnusable, says: "the model's file cannot be loaded"},
	{form: form(damaged), status: onlyOfServer, load: FileDamaged, says: "what Ollama read ends too early or is something else, such as the model's file"},
	{form: form(`(?:open|stat|read) .*[/\\]sha256-[0-9a-f]{64}: (permission denied|is a directory|input/output error)`), load: FileUnreadable, rest: func(f *Failure, m []string) {
		f.Says = "Ollama cannot read a file of the model's: " + m[0]
	}},
	{form: form(`model "[^"]*" not found(?:, try pulling it first)?`), load: NoModel, says: notFound},
	{form: form(`model '[^']*' not found`), load: NoModel, says: notFound},
	{form: form(`"[^"]*" does not support (generate|chat|embeddings?|thinking|tools)`), rest: func(f *Failure, m []string) {
		f.Says, f.refuses = "the model does not support "+m[0], refusals[m[0]]
	}},
	{form: form("This server does not support embeddings\\. Start it with `--embeddings`"), refuses: Embed, says: "the model does not support embeddings"},
	{form: form(`pull model manifest: file does not exist`), says: "the registry does not have the model"},
	{form: form(`pull model manifest: .*`), says: "the registry did not tell what the model consists of"},
	{form: form(`max retries exceeded: .*`), says: "the download broke off too often"},
	{form: form(`digest mismatch, file must be downloaded again: .*`), says: "the download is damaged"},
	{form: form(`(?:open|write|mkdir|truncate|rename) /\S+: (no space left on device|permission denied|read-only file system)`), rest: func(f *Failure, m []string) {
		f.Says = "Ollama cannot write its models: " + m[0]
	}},
	{form: form(`unauthorized(?:: .*)?`), says: "unauthorized"},
}
