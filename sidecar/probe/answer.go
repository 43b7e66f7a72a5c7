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
// "thinking".
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
	return (r.spec.Pattern == nil || r.spec.Pattern.MatchString(content)) && (!r.spec.wantsWords() || r.symbols.varied)
}

func (r *readiness) unsatisfied(content string, last ollama.Chunk) evidence.ProbeResult {
	if r.spec.wantsWords() && !r.symbols.varied {
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

// refusal: what Ollama calls our mistake says nothing about the model's health, and
// neither does a full queue, or something in Ollama's place that has no time.
func (r *readiness) refusal(failure ollama.Failure, what string) evidence.ProbeResult {
	outcome, inStream := evidence.Failure, failure.Status == http.StatusOK
	if !inStream && failure.Status < http.StatusInternalServerError || failure.Status == http.StatusServiceUnavailable {
		outcome = evidence.Unknown
	}
	result := r.result(outcome, fmt.Sprintf("POST %s %s: %s", r.spec.Path, what, failure.Words()))
	result.Crash = failure.Kind == evidence.SignRunnerDied
	return result
}
