package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

const (
	// maxLine bounds one line of an answer. An embedding is a single line of up
	// to 20 bytes a dimension, and models have up to some thousand dimensions.
	maxLine = 1 << 20
	// maxAnswer bounds the whole of an answer that goes on without any content.
	maxAnswer = 2 << 20
)

// read takes chunks until one has content. Ollama answers num_predict 1 with a
// chunk of content and a last one; a thinking model may put the token into
// "thinking". An embedding is one chunk.
func (r *readiness) read(body io.Reader) evidence.ProbeResult {
	lines := bufio.NewScanner(io.LimitReader(body, maxAnswer))
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	var content strings.Builder
	for lines.Scan() {
		chunk, ok := ollama.ParseChunk(lines.Bytes())
		switch {
		case !ok:
			continue
		case chunk.Error != "":
			return r.errorLine(chunk.Error)
		case r.embeds:
			return r.judgeVectors(lines.Bytes())
		}
		content.WriteString(chunk.Text)
		r.symbols.add(chunk.Text)
		if chunk.Content && r.satisfied(content.String()) {
			return r.result(evidence.Success, "")
		}
		if chunk.Final {
			return r.unsatisfied(content.String(), chunk)
		}
	}
	return r.cut(lines.Err(), content.String())
}

// satisfied says that what has been said so far is enough.
func (r *readiness) satisfied(content string) bool {
	return (r.spec.Pattern == nil || r.spec.Pattern.MatchString(content)) && (!r.spec.Varied || r.symbols.varied)
}

func (r *readiness) unsatisfied(content string, last ollama.Chunk) evidence.ProbeResult {
	if r.spec.Varied && !r.symbols.varied {
		return r.monotonous(content, last)
	}
	switch {
	case content != "":
		return r.result(evidence.Failure, fmt.Sprintf("what the model said, %d bytes, does not match %q", len(content), r.spec.Pattern))
	case r.spec.Pattern == nil && last.Truncated: // its token was made, and Ollama kept the text to itself
		return r.result(evidence.Success, "")
	}
	return r.result(evidence.Failure, "the model ended its answer without any content")
}

func (r *readiness) cut(err error, content string) evidence.ProbeResult {
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return r.result(evidence.Failure, fmt.Sprintf("the model answered with a line of more than %d KiB", maxLine>>10))
	case err != nil:
		return r.failed(err, r.spec.FirstChunk)
	case content != "":
		return r.unsatisfied(content, ollama.Chunk{})
	default:
		return r.result(evidence.Failure, "the answer ended before any content")
	}
}

// refusedWith judges an answer that is no stream.
func (r *readiness) refusedWith(status int, message string) evidence.ProbeResult {
	return r.refusal(ollama.Classify(status, message), fmt.Sprintf("answered %d", status))
}

// errorLine judges an error inside a stream, where the status has been sent.
func (r *readiness) errorLine(message string) evidence.ProbeResult {
	return r.refusal(ollama.Classify(http.StatusOK, message), "answered with an error")
}

// refusal judges an error of Ollama's. What it calls our mistake says nothing about the
// model's health, and neither does a full queue, or something in Ollama's place that has
// no time.
func (r *readiness) refusal(failure ollama.Failure, what string) evidence.ProbeResult {
	outcome, inStream := evidence.Failure, failure.Status == http.StatusOK
	_, r.refused = failure.Refuses()
	switch {
	case r.refused, failure.Status == http.StatusServiceUnavailable, r.embeds && unreadable[failure.Load]:
		outcome = evidence.Unknown
	case !inStream && failure.Status < http.StatusInternalServerError && failure.Kind == "":
		outcome = evidence.Unknown // what is left are embeddings, see [ollama.Classify]
	}
	result := r.result(outcome, fmt.Sprintf("POST %s %s: %s", r.path, what, failure.Words()))
	result.Crash = failure.Kind == evidence.SignRunnerDied
	return result
}

// unreadable is what a file can be that no unload mends. Asked to chat with such a model,
// Ollama says that it cannot; asked to embed, it says why.
var unreadable = map[ollama.LoadFailure]bool{
	ollama.FileMissing: true, ollama.FileUnreadable: true, ollama.FileDamaged: true, ollama.FileUnsupported: true, ollama.FileUnusable: true,
}
