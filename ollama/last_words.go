package ollama

import (
	"regexp"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// ending is how a process ended, at the beginning of a runner's last words.
var ending = regexp.MustCompile(`^(signal: (?:killed|aborted|segmentation fault|bus error|illegal instruction|floating point exception|terminated|trace/breakpoint trap)|exit status (?:\d{1,10}|0x[0-9a-f]{1,10})|unexpected EOF)(?: |:|\n|$)`)

const (
	// beforeLine is what stands before a line: how the process ended, as Ollama puts
	// it there, or the clock and the level of llama-server's log.
	beforeLine = `(?:signal: [a-z ]+: |exit status \S+: |exit status \S+ |(?:-?\d{1,10}|OK|unknown) |(?:\d+\.\d\d\.\d{3}\.\d{3} )?[EW] )?`
	// memoryLine is how the backends of llama.cpp word that memory ran out.
	memoryLine = `(?:(?:CUDA|ROCm) error: out of memory` +
		`|(?:ggml_[a-z_]+: allocating [0-9.]+ MiB on device \d+: )?(?:cudaMalloc|hipMalloc) failed: out of memory` +
		`|(?:ggml_vulkan: |error loading model: )?vk::Device::allocateMemory: ErrorOutOfDeviceMemory` +
		`|error: Insufficient Memory \(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory\)` +
		`|(?:ggml_[a-z_]+|alloc_tensor_range): failed to allocate [A-Za-z0-9_ -]+` +
		`|(?:llama_model_load: )?error loading model: unable to allocate [A-Za-z0-9_]+ buffer` +
		`|llama_init_from_model: failed to initialize the context: failed to allocate [A-Za-z0-9_ -]+)`
)

// outOfMemory is a whole line of a runner's that says that memory ran out. Ollama can
// put one line twice, with a colon between (0.32.14, WaitUntilRunning: the process
// ended by a signal), and " (exit: …)" after that of an MLX runner.
var outOfMemory = regexp.MustCompile(`(?m)^` + beforeLine + memoryLine + `(?:: ` + memoryLine + `)?(?: \(exit: [a-z0-9:<> ]+\))?$`)

// lastWords looks at what the runner said last, which can hold what a client wrote (a
// grammar that llama.cpp could not read): nothing of it is repeated but how the
// process ended, and nothing of it counts but whole lines that are known.
func lastWords(f *Failure, match []string) {
	if memoryRanOut(f, match); f.Kind == evidence.SignOutOfMemory {
		return
	}
	if how := ending.FindStringSubmatch(strings.TrimSpace(match[0])); how != nil {
		f.Says += ": " + how[1]
	}
}

// memoryRanOut looks for a line that says that memory ran out, and for nothing else.
// llama.cpp prints a grammar that it cannot read with its lines as they are, so that a
// client can write such a line, too: it decides only what a failure was of that a
// sentence of Ollama's has told, and is a hint.
func memoryRanOut(f *Failure, match []string) {
	if outOfMemory.MatchString(match[0]) {
		f.Kind = evidence.SignOutOfMemory
		f.Says += ": out of memory"
	}
}

// startRefused is why the system did not start a program.
var startRefused = regexp.MustCompile(`^fork/exec /[^:]*: (no such file or directory|permission denied|exec format error|cannot allocate memory|resource temporarily unavailable|text file busy|too many open files)(?: |$)`)

// whyNotStarted repeats why the system did not start the runner.
func whyNotStarted(f *Failure, match []string) {
	why := startRefused.FindStringSubmatch(match[0])
	if why == nil {
		return
	}
	f.Says += ": " + why[1]
	if why[1] == "cannot allocate memory" {
		f.Kind = evidence.SignOutOfMemory
	}
}
