package simulation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// release is a release of Ollama, as far as what it does here depends on it.
type release struct {
	minor, patch int  // of version 0
	candidate    bool // of that release, and so before it
}

// parseRelease reads "0.9.6" or "0.32.4-rc1"; what it cannot read counts as 0.
func parseRelease(version string) release {
	version, _, candidate := strings.Cut(version, "-")
	parts := append(strings.Split(version, "."), "", "")
	minor, _ := strconv.Atoi(parts[1]) // wrong ones are the oldest
	patch, _ := strconv.Atoi(parts[2])
	return release{minor, patch, candidate}
}

func (r release) before(minor, patch int) bool {
	if r.minor == minor && r.patch == patch {
		return r.candidate
	}
	return r.minor < minor || r.minor == minor && r.patch < patch
}

// modern releases put a model into /api/ps when it has been loaded, and let a
// request for a loaded model past the pending loop. So it was read at 0.33; 0.9.6
// and 0.17.4 list a model that still loads. Between them the change is put where
// the runner had become a server of its own.
func (r release) modern() bool { return !r.before(31, 0) }

// tellsContext says that /api/ps has context_length.
func (r release) tellsContext() bool { return !r.before(11, 0) }

// listBlocks says that a look at /api/ps waits for the load that goes on.
func (r release) listBlocks() bool { return !r.before(32, 4) }

// servesItself says that the runner is llama.cpp's own server (seen in a log of
// 0.30.0-rc22, ollama/ollama#16031).
func (r release) servesItself() bool { return !r.before(30, 0) }

// shifts says that a request's "shift" is a part of what a runner is started with
// (needsReload in 0.30.0).
func (r release) shifts() bool { return r.servesItself() }

// badAdapter is how a runner ends that cannot read an adapter (seen on 0.9.6 and
// 0.32.14).
func (r release) badAdapter() string {
	if r.servesItself() {
		return "exit status 1"
	}
	return "exit status 2"
}

// embedPath is where a runner is asked to embed.
func (r release) embedPath() string {
	if r.servesItself() {
		return "/v1/embeddings"
	}
	return "/embedding"
}

// runner is what error texts call the runner's process.
func (r release) runner() string {
	if r.servesItself() {
		return "llama-server"
	}
	return "llama runner"
}

// What Ollama says of a runner that ended while a request waited for a slot,
// that ended while it loaded, whose load stood still for too long, and whose
// load was not wanted any more.

func (r release) notRunning() error {
	return fmt.Errorf("%s process no longer running: -1 ", r.runner())
}

func (r release) terminated(how string) error {
	return fmt.Errorf("%s process has terminated: %s", r.runner(), how)
}

func (r release) stalled(part float64) error {
	return fmt.Errorf("timed out waiting for %s to start - progress %.2f - ", r.runner(), part)
}

func (r release) aborted() error {
	if r.servesItself() {
		return fmt.Errorf("client connection closed before %s finished loading, aborting load: %w", r.runner(), context.Canceled)
	}
	return fmt.Errorf("timed out waiting for %s to start: %w", r.runner(), context.Canceled)
}

// command is how the process list shows a runner.
func (r release) command(model string, options ...string) string {
	words := []string{"/bin/ollama", "runner", "--model", model}
	if r.servesItself() {
		words = []string{"/usr/lib/ollama/llama-server", "--model", model}
	}
	return strings.Join(append(words, options...), " ")
}
