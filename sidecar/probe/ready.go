package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
	"github.com/clawdbot/clawgate/sidecar/ollama"
)

// ReadySpec says how the readiness probe asks, and what it takes for an answer.
type ReadySpec struct {
	Path   string
	Prompt string
	Model  string
	// Pattern must match the content; nil takes any content.
	Pattern *regexp.Regexp
	// FirstChunk is when a chunk with content has to be there for a timely success.
	FirstChunk time.Duration
	// ListTimeout bounds the look at what is loaded, which comes first.
	ListTimeout time.Duration
	// Options are the runner options that the model is known to be loaded with.
	// Others would make Ollama throw the loaded runner away (measured).
	Options func(evidence.LoadedModel) ollama.RunnerOptions
}

// WaitsForList is what an attempt waits for first. When that does not come, it
// is the server that is silent, not the model.
const WaitsForList = "the list of loaded models"

// patternTokens is how many tokens a pattern gets to match: one is seldom a word.
const patternTokens = 32

// Sighting is what the readiness probe learned before it asked for a token.
type Sighting struct {
	Loaded []evidence.LoadedModel
}

// Ready asks the loaded model for one token and parses the chunks of the
// answer. It sends nothing to a model that is not loaded, because that would
// load it, and leaving would abort the load.
//
// It stays open until the answer is there or ctx ends: a chunk that comes late
// tells slow from dead. overdue is called once, when the first chunk's deadline
// has passed without an answer.
func Ready(ctx context.Context, client *ollama.Client, spec ReadySpec, sighted func(Sighting), overdue func(waitsFor string)) evidence.ProbeResult {
	attempt := &readiness{spec: spec, began: time.Now(), waitsFor: WaitsForList}
	timer := time.AfterFunc(spec.FirstChunk, func() { overdue(attempt.waits()) })
	defer timer.Stop()
	loaded, result := attempt.look(ctx, client)
	if result != nil {
		return *result
	}
	sighted(Sighting{Loaded: loaded})
	for _, m := range loaded {
		if m.Name == ollama.NormalizeModel(spec.Model) {
			attempt.nowWaitsFor("a first chunk")
			return attempt.ask(ctx, client, m)
		}
	}
	return attempt.result(evidence.Unknown, fmt.Sprintf("the model %q is not loaded", spec.Model))
}

func (r *readiness) look(ctx context.Context, client *ollama.Client) ([]evidence.LoadedModel, *evidence.ProbeResult) {
	limited, cancel := context.WithTimeout(ctx, r.spec.ListTimeout)
	defer cancel()
	loaded, err := client.Running(limited)
	if err == nil {
		return loaded, nil
	}
	result := r.failed(err, r.spec.ListTimeout)
	result.Server = true
	return nil, &result
}

func (r *readiness) ask(ctx context.Context, client *ollama.Client, loaded evidence.LoadedModel) evidence.ProbeResult {
	resp, err := client.Stream(ctx, r.spec.Path, r.spec.body(r.spec.Options(loaded)))
	if err != nil {
		return r.failed(err, r.spec.FirstChunk)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the status alone is a verdict
		return r.refusedWith(resp.StatusCode, ollama.ErrorText(body))
	}
	return r.read(resp.Body)
}

// refusedWith judges an answer that is no stream. What Ollama calls our mistake
// (4xx) says nothing about the model's health, and neither does a full queue.
func (r *readiness) refusedWith(status int, message string) evidence.ProbeResult {
	outcome := evidence.Failure
	kind, known := ollama.Classify(status, message)
	if status < 500 || known && kind == evidence.SignOverloaded {
		outcome = evidence.Unknown
	}
	result := r.result(outcome, fmt.Sprintf("POST %s answered %d: %s", r.spec.Path, status, firstLine([]byte(message))))
	result.Crash = known && kind == evidence.SignRunnerDied
	return result
}

// read takes chunks until one has content. Ollama answers num_predict 1 with a
// chunk of content and a last one; a thinking model may put the token into
// "thinking".
func (r *readiness) read(body io.Reader) evidence.ProbeResult {
	lines := bufio.NewReaderSize(io.LimitReader(body, 1<<20), 64<<10)
	var content strings.Builder
	for {
		line, err := lines.ReadSlice('\n')
		if chunk, ok := ollama.ParseChunk(line); ok {
			if chunk.Error != "" {
				return r.refusedWith(http.StatusInternalServerError, chunk.Error)
			}
			if chunk.Content && r.matches(&content, line) {
				return r.result(evidence.Success, "")
			}
			if chunk.Final {
				return r.unsatisfied(content.String())
			}
		}
		if err != nil {
			return r.cut(err, content.String())
		}
	}
}

// matches adds a chunk's text to what came before and tries the pattern on it.
func (r *readiness) matches(content *strings.Builder, line []byte) bool {
	content.WriteString(text(line))
	return r.spec.Pattern == nil || r.spec.Pattern.MatchString(content.String())
}

// text takes the words out of a chunk of /api/chat or /api/generate.
func text(line []byte) string {
	var chunk struct {
		Response string `json:"response"`
		Message  struct {
			Content  string `json:"content"`
			Thinking string `json:"thinking"`
		} `json:"message"`
	}
	_ = json.Unmarshal(line, &chunk) // it was parsed before; what has no text gives none
	return chunk.Message.Thinking + chunk.Message.Content + chunk.Response
}

func (r *readiness) unsatisfied(content string) evidence.ProbeResult {
	if content == "" {
		return r.result(evidence.Failure, "the model ended its answer without any content")
	}
	return r.result(evidence.Failure, fmt.Sprintf("the model's content %q does not match %q", firstLine([]byte(content)), r.spec.Pattern))
}

func (r *readiness) cut(err error, content string) evidence.ProbeResult {
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return r.result(evidence.Failure, "the model answered with a line of more than 64 KiB")
	case errors.Is(err, io.EOF) && content != "":
		return r.unsatisfied(content)
	case errors.Is(err, io.EOF):
		return r.result(evidence.Failure, "the answer ended before any content")
	default:
		return r.failed(err, r.spec.FirstChunk)
	}
}

func (s ReadySpec) body(options ollama.RunnerOptions) map[string]any {
	all := map[string]any{"num_predict": 1}
	if s.Pattern != nil {
		all["num_predict"] = patternTokens
	}
	for name, value := range options {
		all[name] = value
	}
	body := map[string]any{"model": s.Model, "stream": true, "options": all}
	switch s.Path {
	case "/api/generate":
		body["prompt"], body["think"] = s.Prompt, false
	case "/api/embed":
		body["input"] = s.Prompt
	default:
		body["messages"] = []map[string]string{{"role": "user", "content": s.Prompt}}
		body["think"] = false // 0.9.6 and 0.17.4 take false from every model
	}
	return body
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "?")), "\n")
	if len(line) > 256 {
		line = strings.ToValidUTF8(line[:256], "") + "…"
	}
	return line
}
